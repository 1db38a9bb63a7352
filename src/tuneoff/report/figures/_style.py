"""One look for every figure: colours by algorithm, direct labels, column width."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from tuneoff.report import wording

__all__ = ["COLUMN_INCHES", "FAINT", "INK", "dollar_axis", "end_labels", "figure", "save", "score_axis", "spread_apart"]

COLUMN_INCHES = 4.6
INK, FAINT = "#222222", "#8a8a8a"

_RC: Any = {
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.7,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "lines.linewidth": 1.4,
    "svg.fonttype": "none",
    "svg.hashsalt": "tuneoff",
    "font.family": "sans-serif",
    "axes.titlelocation": "left",
}


MANY = 1000
"""So many marks of one kind are an image inside an SVG, which otherwise grows by megabytes."""


@contextmanager
def figure(width: float = COLUMN_INCHES, height: float = 3.1) -> Iterator[Figure]:
    """An empty figure in the house style; draw within the context. No global figure state is touched."""
    with mpl.rc_context(_RC):
        yield Figure(figsize=(width, height), layout="constrained")


def save(made: Figure, stem: Path) -> list[Path]:
    """`stem`.svg and `stem`.png, without a date inside, so that the same records give the same files."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    svg, png = stem.with_suffix(".svg"), stem.with_suffix(".png")
    with mpl.rc_context(_RC):
        engine = made.get_layout_engine()
        if engine is not None:  # laid out once, for both files
            engine.execute(made)
            made.set_layout_engine("none")
        box = made.get_tightbbox().padded(0.12)
        made.savefig(svg, bbox_inches=box, dpi=200, metadata={"Date": None})
        made.savefig(png, bbox_inches=box, dpi=160, metadata={"Software": None}, pil_kwargs={"compress_level": 2})
    return [svg, png]


def score_axis(axes: Axes, metric: str, label: str) -> None:
    """Scores on y, in per cent where the metric is one."""
    factor, unit = wording.scale_of(metric), wording.unit_of(metric)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v * factor:.4g}{unit}"))
    axes.set_ylabel(label)


def dollar_axis(axes: Axes, dollars_per_minute: float | None) -> None:
    """The same x once more in dollars, on top; nothing where the cells have no common price."""
    if dollars_per_minute is None or dollars_per_minute == 0:
        return
    rate = dollars_per_minute
    to_dollars, to_minutes = (lambda m: np.asarray(m) * rate), (lambda d: np.asarray(d) / rate)
    top = axes.secondary_xaxis("top", functions=(to_dollars, to_minutes))
    top.xaxis.set_major_locator(MaxNLocator(6))
    top.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"${v:.3g}"))
    top.spines["top"].set_visible(True)
    top.tick_params(labelsize=7)


def end_labels(
    axes: Axes, labels: Sequence[tuple[str, float, str]], points_apart: float = 9.0, start: Mapping[str, float] | None = None
) -> None:
    """Names at the right edge, each beside its curve's end: (text, y, colour), pushed apart where they would overlap.

    start: x of the point that a name belongs to, by name, where that is not at the edge. Sets the y limits in passing, as
    positions depend on them.
    """
    if not labels:
        return
    low, high = axes.get_ylim()
    whole, place = axes.get_figure(), axes.get_subplotspec()
    assert isinstance(whole, Figure)
    figure_height, rows = whole.get_size_inches()[1], place.get_gridspec().nrows if place else 1
    gap = points_apart / (72 * 0.72 * figure_height / rows) * (high - low)
    spread = spread_apart([y for _, y, _ in labels], gap)
    axes.set_ylim(min(low, min(spread) - gap / 2), max(high, max(spread) + gap / 2))
    for (text, y, tint), at in zip(labels, spread, strict=True):
        point = (1.0, y) if start is None else (start[text], y)
        axes.annotate(
            text,
            xy=point,
            xytext=(1.025, at),
            xycoords="data" if start else ("axes fraction", "data"),
            color=tint,
            textcoords=("axes fraction", "data"),
            va="center",
            fontsize=7.5,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": tint, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0},
        )


def spread_apart(values: Sequence[float], gap: float) -> list[float]:
    """The same number of values, order kept, at least `gap` apart, each cluster centred where its members were."""
    clusters: list[list[int]] = [[i] for i in sorted(range(len(values)), key=lambda i: values[i])]

    def centre(cluster: list[int]) -> float:
        return sum(values[i] for i in cluster) / len(cluster)

    merged = True
    while merged:
        merged = False
        for k in range(len(clusters) - 1):
            lower, upper = clusters[k], clusters[k + 1]
            distance = centre(upper) - centre(lower)
            if distance < gap * (len(lower) + len(upper)) / 2 - 1e-12:
                clusters[k : k + 2] = [lower + upper]
                merged = True
                break
    result = [0.0] * len(values)
    for cluster in clusters:
        for rank, i in enumerate(cluster):
            result[i] = centre(cluster) + gap * (rank - (len(cluster) - 1) / 2)
    return result
