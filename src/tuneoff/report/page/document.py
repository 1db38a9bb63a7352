"""A section that another command wrote, in parts: kept as JSON, shown as Markdown by itself and as HTML on a study's page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from tuneoff.report.tables._table import Table

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Heading:
    text: str

    def markdown(self, level: int, folder: str) -> str:  # noqa: ARG002
        return f"{'#' * (level + 1)} {self.text}"


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    text: str

    def markdown(self, level: int, folder: str) -> str:  # noqa: ARG002
        return self.text


@dataclass(frozen=True, kw_only=True)
class Bullets:
    lines: tuple[str, ...]

    def markdown(self, level: int, folder: str) -> str:  # noqa: ARG002
        return "\n".join(f"- {line}" for line in self.lines)


@dataclass(frozen=True, kw_only=True)
class Code:
    """Commands, a line each."""

    lines: tuple[str, ...]

    def markdown(self, level: int, folder: str) -> str:  # noqa: ARG002
        return "\n".join(["```", *self.lines, "```"])


@dataclass(frozen=True, kw_only=True)
class Grid:
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, table: Table) -> Grid:
        return cls(title=table.title, columns=table.columns, rows=table.rows, notes=table.notes)

    def markdown(self, level: int, folder: str) -> str:  # noqa: ARG002
        return Table(
            title=self.title, caption="", columns=self.columns, rows=self.rows, numbers=pd.DataFrame(), notes=self.notes
        ).markdown()


@dataclass(frozen=True, kw_only=True)
class Picture:
    """file: an SVG beside the document."""

    text: str
    file: str

    def markdown(self, level: int, folder: str) -> str:  # noqa: ARG002
        return f"![{self.text}]({folder}{self.file})"


Part: TypeAlias = Heading | Paragraph | Bullets | Code | Grid | Picture
KINDS: Mapping[str, type[Part]] = {kind.__name__.lower(): kind for kind in (Heading, Paragraph, Bullets, Code, Grid, Picture)}


@dataclass(frozen=True, kw_only=True)
class Document:
    """made: when and how, a sentence."""

    title: str
    made: str
    parts: tuple[Part, ...]

    def markdown(self, level: int = 1, folder: str = "") -> str:
        """level: of the title. folder: of the pictures, with a slash at its end."""
        parts = [f"{'#' * level} {self.title}", *(part.markdown(level, folder) for part in self.parts), self.made]
        return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"

    def json(self) -> str:
        parts = [{"kind": type(part).__name__.lower(), **asdict(part)} for part in self.parts]
        return json.dumps({"schema": SCHEMA, "title": self.title, "made": self.made, "parts": parts}, indent=1) + "\n"


def read_document(path: Path) -> Document:
    """Raises ValueError, KeyError or TypeError for a file of another form, OSError for one that can't be read."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    if raw["schema"] != SCHEMA:
        raise ValueError(f"schema {raw['schema']}, not {SCHEMA}")
    return Document(title=str(raw["title"]), made=str(raw["made"]), parts=tuple(_part(part) for part in raw["parts"]))


def _part(raw: Mapping[str, Any]) -> Part:
    values = {name: _texts(value) for name, value in raw.items() if name != "kind"}
    return KINDS[raw["kind"]](**values)


def _texts(value: Any) -> Any:
    """Lists as tuples, everything else as text."""
    return tuple(_texts(one) for one in value) if isinstance(value, list) else str(value)
