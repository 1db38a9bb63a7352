"""One Parquet file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tuneoff.task.base import TaskError
from tuneoff.task.sources.columns import Table, shown
from tuneoff.task.sources.text import find_file


class _Columns(Mapping[str, Sequence[Any]]):
    """Converted to Python values when asked for: a column that nobody names can't be in the way."""

    def __init__(self, path: Path, table: Any) -> None:
        self._path, self._table = path, table
        self._converted: dict[str, list[Any]] = {}

    def __getitem__(self, name: str) -> Sequence[Any]:
        if name not in self._table.schema.names:
            raise KeyError(name)
        if name not in self._converted:
            try:
                self._converted[name] = self._table.column(name).to_pylist()
            except (ValueError, OverflowError, ArithmeticError, NotImplementedError) as error:
                raise TaskError(
                    f"{self._path}: column {name!r} can't be converted ({error}): write it again as text"
                ) from error
        return self._converted[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table.schema.names)

    def __len__(self) -> int:
        return len(self._table.schema.names)


def read_parquet(path: Path, setting: str) -> Table:
    import pyarrow
    from pyarrow import parquet

    path = find_file(path, setting)
    try:
        with parquet.ParquetFile(path) as file:  # not read_table(), which makes columns of folders called a=b
            table = file.read()
    except (pyarrow.ArrowException, OSError) as error:
        raise TaskError(f"{path} can't be read as Parquet ({str(error).splitlines()[0]}): write it again") from error
    names = table.schema.names
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise TaskError(f"{path} names the column {shown(repeated[0])} twice, but names must differ: rename one")
    return Table(path=path, columns=_Columns(path, table), places=range(1, table.num_rows + 1), unit="row")
