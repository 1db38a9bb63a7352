"""The one family of errors that a user can mend: printed without a traceback, exit code 2."""


class UserError(ValueError):
    """Names the setting, its value, the rule and the remedy. Raised before any expensive work starts."""


class StudyError(UserError):
    """A cell that stands in the way, or a search that came to nothing."""


def first_line(error: BaseException) -> str:
    """Kind and first line, for a message."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"


class ConfigError(UserError):
    """A setting that is unknown, missing or outside its rule."""


def check_whole(setting: str, value: object, low: int, high: int | None = None, kind: type[UserError] = ConfigError) -> None:
    """Raises `kind` unless the value is a whole number from low to high."""
    if isinstance(value, bool) or not isinstance(value, int) or value < low or (high is not None and value > high):
        rule = f"a whole number of at least {low}" if high is None else f"a whole number from {low} to {high}"
        raise kind(f"{setting} is {value!r}, but it must be {rule}")


def check_one_of(setting: str, value: object, choices: tuple[str, ...], kind: type[UserError] = ConfigError) -> None:
    if value not in choices:
        raise kind(f"{setting} is {value!r}, but it must be one of {', '.join(choices)}")


def check_flag(setting: str, value: object, kind: type[UserError] = ConfigError) -> None:
    if not isinstance(value, bool):
        raise kind(f"{setting} is {value!r}, but it must be true or false")
