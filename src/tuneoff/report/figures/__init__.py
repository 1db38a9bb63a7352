"""Figures, one file each, found by file name.

A figure's module has a docstring whose first line is its title, and two functions:
  data(block, frames) -> D | None   pure; None where the study lacks what the figure needs
  draw(data: D, figure) -> None     matplotlib; decides nothing about numbers
`frames` are those of one block. To add a figure, add a file.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from tuneoff.report import style
from tuneoff.report.frames import Frames
from tuneoff.report.reading import Block


@dataclass(frozen=True, kw_only=True)
class FigureKind:
    name: str
    title: str
    explanation: str
    """How to read it: the module's docstring after its first line, as one paragraph."""
    data: Callable[[Block, Frames], Any]
    draw: Callable[[Any, Figure], None]


def discover() -> dict[str, FigureKind]:
    """Every figure by name, in alphabetical order."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    return {name: _load(name) for name in names}


def _load(name: str) -> FigureKind:
    module = importlib.import_module(f"{__name__}.{name}")
    first, _, rest = (module.__doc__ or name).strip().partition("\n")
    return FigureKind(
        name=name, title=first.rstrip("."), explanation=" ".join(rest.split()), data=module.data, draw=module.draw
    )


def draw_all(block: Block, frames: Frames, folder: Path) -> dict[str, list[Path]]:
    """Draws every figure that the block has data for; the files of each, by figure name."""
    drawn: dict[str, list[Path]] = {}
    for name, kind in discover().items():
        data = kind.data(block, frames)
        if data is not None:
            with style.figure() as made:
                kind.draw(data, made)
                drawn[name] = style.save(made, folder / name)
    return drawn
