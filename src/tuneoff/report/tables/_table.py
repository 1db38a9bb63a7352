"""A table: as text to print, and as unrounded numbers; written as Markdown, CSV and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table as text: `rows` as printed, `numbers` unrounded. `caption` and `notes` go wherever the rows go."""

    title: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: pd.DataFrame
    notes: tuple[str, ...]

    def markdown(self) -> str:
        """Padded, so that it reads as well in a terminal as rendered."""
        widths = [max(map(len, column)) for column in zip(self.columns, *self.rows, strict=True)]
        lines = [_line(self.columns, widths), "|" + "|".join(_rule(i, w) for i, w in enumerate(widths)) + "|"]
        lines += [_line(row, widths) for row in self.rows]
        parts = [f"**{self.title}**", self.caption, "\n".join(lines), "\n".join(f"- {note}" for note in self.notes)]
        return "\n\n".join(part for part in parts if part) + "\n"

    def csv(self) -> str:
        return str(self.numbers.to_csv(index=False))

    def latex(self) -> str:
        """A booktabs table; caption and notes below it."""
        lines = [" & ".join(map(_latex, row)) + r" \\" for row in (self.columns, *self.rows)]
        columns = "l" + "r" * (len(self.columns) - 1)
        words = _latex(" ".join([f"{self.title}.", self.caption, *self.notes]))
        return "\n".join(
            [
                r"\begin{table}",
                r"\centering",
                rf"\begin{{tabular}}{{{columns}}}",
                r"\toprule",
                lines[0],
                r"\midrule",
                *lines[1:],
                r"\bottomrule",
                r"\end{tabular}",
                rf"\caption{{{words}}}",
                r"\end{table}",
                "",
            ]
        )


def _line(values: Sequence[str], widths: Sequence[int]) -> str:
    padded = [v.ljust(w) if i == 0 else v.rjust(w) for i, (v, w) in enumerate(zip(values, widths, strict=True))]
    return "| " + " | ".join(padded) + " |"


_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "−": "$-$",
    "–": "--",
    "†": r"$\dagger$",
    "<": r"$<$",
    ">": r"$>$",
}


def _latex(text: str) -> str:
    return "".join(_LATEX.get(c, c) for c in text)


def _rule(column: int, width: int) -> str:
    return ":" + "-" * (width + 1) if column == 0 else "-" * (width + 1) + ":"
