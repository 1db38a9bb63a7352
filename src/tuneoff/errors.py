"""The one family of errors that a user can mend: printed without a traceback, exit code 2."""


class UserError(ValueError):
    """Names the setting, its value, the rule and the remedy. Raised before any expensive work starts."""


class StudyError(UserError):
    """A cell that stands in the way, or a search that came to nothing."""
