"""A column of texts, checked."""

from __future__ import annotations

from tuneoff.task.base import TaskError
from tuneoff.task.sources.columns import Table, shown


def text_column(table: Table, name: str, setting: str) -> tuple[str, ...]:
    """n strings, as the file has them (no stripping). Raises TaskError where one is missing, empty or not text."""
    values = table.column(name, setting)
    for row, value in enumerate(values):
        if not isinstance(value, str) and value is not None:
            raise TaskError(
                f"{table.place(row)}: column {name!r} ({setting}) is {shown(value)}, but it must be text: name "
                "a column of text, or write the value as a string"
            )
        if value is None or not value.strip():
            raise TaskError(
                f"{table.place(row)}: column {name!r} ({setting}) is empty, but every row needs text: "
                "fill it in or remove the row"
            )
        check_unicode(table, row, name, value)
    return tuple(values)


def check_unicode(table: Table, row: int, name: str, value: str) -> None:
    """Raises TaskError for half a surrogate pair, which JSON can smuggle in and no encoder accepts."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise TaskError(
            f"{table.place(row)}: column {name!r} holds half a surrogate pair "
            f"({error.object[error.start]!a}), which is not text: write the character"
        ) from error
