"""The one family of errors that a user can mend: printed without a traceback, exit code 2."""


class UserError(ValueError):
    """Names the setting, its value, the rule and the remedy. Raised before any expensive work starts."""


class StudyError(UserError):
    """A cell that stands in the way, or a search that came to nothing."""


def first_line(error: BaseException) -> str:
    """Kind and first line, for a message."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
