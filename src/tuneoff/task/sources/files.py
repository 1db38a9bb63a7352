"""Tables by the extension of their file: CSV, TSV, JSONL and Parquet, read so that no value is guessed."""

from __future__ import annotations

from pathlib import Path

from tuneoff.task.base import TaskError
from tuneoff.task.sources.columns import Table
from tuneoff.task.sources.delimited import read_delimited
from tuneoff.task.sources.jsonl import read_jsonl
from tuneoff.task.sources.parquet import read_parquet

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")
DELIMITERS = {".csv": ",", ".tsv": "\t"}


def read_table(path: Path, *, setting: str, delimiter: str | None = None, quoting: str | None = None) -> Table:
    """The whole file. `setting` is what an error message blames for the path.

    delimiter: None for the extension's own; .txt has none. quoting: None for "none" between tabs, "double" otherwise.
    """
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return read_parquet(path, setting)
    if suffix == ".jsonl":
        return read_jsonl(path, setting)
    delimiter = delimiter or DELIMITERS.get(suffix)
    if suffix == ".txt" and delimiter is None:
        raise TaskError(
            f"{setting} is {str(path)!r}, but .txt does not say what separates the columns: set task.delimiter (tab for "
            f"a tab), or rename or convert the file to one of {', '.join(SUFFIXES)}"
        )
    if suffix not in (*DELIMITERS, ".txt") or delimiter is None:
        raise TaskError(
            f"{setting} is {str(path)!r}, but tables are read by their extension: rename or convert the "
            f"file to one of {', '.join(SUFFIXES)}"
        )
    usual = "none" if suffix == ".tsv" or (suffix == ".txt" and delimiter == "\t") else "double"
    return read_delimited(path, setting=setting, delimiter=delimiter, quoting=quoting or usual)
