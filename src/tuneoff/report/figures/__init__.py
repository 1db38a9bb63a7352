"""Figures, one file each, found by file name; those from outside the repository under the kind "figure" of tuneoff.plugins.

A figure's module, or the class that a plug-in registers, has a docstring whose first line is its title, and two functions:
  data(block, frames) -> D | None   pure; None where the study lacks what the figure needs
  draw(data: D, figure) -> None     matplotlib; decides nothing about numbers
`frames` are those of one block. To add a figure, add a file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from matplotlib.figure import Figure

from tuneoff import plugins
from tuneoff.report.cells import Block
from tuneoff.report.figures import _style as style
from tuneoff.report.frames import Frames


class FigurePart(Protocol):
    """The names that a figure's module or class has, beside its docstring."""

    @staticmethod
    def data(block: Block, frames: Frames) -> Any: ...

    @staticmethod
    def draw(data: Any, figure: Figure) -> None: ...


@dataclass(frozen=True, kw_only=True)
class FigureKind:
    name: str
    title: str
    explanation: str
    """Its reading instructions: the docstring after its first line, as one paragraph."""
    data: Callable[[Block, Frames], Any]
    draw: Callable[[Any, Figure], None]


def discover_figures() -> dict[str, FigureKind]:
    """Every figure by name, in alphabetical order."""
    return {name: _load(name) for name in plugins.names("figure", __name__)}


def _load(name: str) -> FigureKind:
    part: FigurePart = plugins.find("figure", name, __name__)
    first, _, rest = (part.__doc__ or name).strip().partition("\n")
    return FigureKind(name=name, title=first.rstrip("."), explanation=" ".join(rest.split()), data=part.data, draw=part.draw)


def draw_all(block: Block, frames: Frames, folder: Path) -> dict[str, list[Path]]:
    """Draws every figure that the block has data for; the files of each, by figure name."""
    drawn: dict[str, list[Path]] = {}
    for name, kind in discover_figures().items():
        data = kind.data(block, frames)
        if data is not None:
            with style.figure() as made:
                kind.draw(data, made)
                drawn[name] = style.save(made, folder / name)
    return drawn
