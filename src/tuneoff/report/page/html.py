"""The HTML page: verdict first; self-contained, nothing is fetched, and only the page's own script may run.

Without JavaScript everything is there but the interactive chart. Text from records is escaped wherever it appears.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from html import escape
from itertools import count
from pathlib import Path

from tuneoff.report.page.chart import safe_json
from tuneoff.report.page.markdown import BlockReport, reproduce, svg_of
from tuneoff.report.tables import BODY, DECISION, DETAILS, Table

LONG, MANY = 36, 8
"""A table's text longer than this breaks into lines; a list of verdicts longer than this is folded away."""
_HERE = Path(__file__).parent
_FACTS = (
    "algorithm",
    "repeat",
    "status",
    "started_utc",
    "command",
    "commit",
    "seeds",
    "config_hash",
    "data_hash",
    "space_hash",
    "protocol_version",
    "versions",
    "hardware",
)


def html_page(name: str, reports: Sequence[BlockReport], predicted: str = "") -> str:
    """Figures are inline SVG, their ids made different from each other's. predicted: a section in HTML, with the id of that
    name."""
    numbers = count(1)
    link = '<p><a href="#predicted">What a replay predicts</a> stands by itself, at the end.</p>' if predicted else ""
    body = [f"<h1>{escape(name)}</h1>", link, *(part for report in reports for part in _block(report, numbers)), predicted]
    return frame(name, "\n".join(body), script=any(r.chart for r in reports))


def frame(title: str, body: str, *, script: bool = False) -> str:
    """A whole page around `body`, which is HTML; `title` is text. The policy allows no network and no other script."""
    code = (_HERE / "page.js").read_text(encoding="utf-8") if script else ""
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    policy += f"; script-src 'sha256-{digest}'" if script else ""
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<link rel="icon" href="data:,">',
            f"<title>{escape(title)}</title><style>{(_HERE / 'page.css').read_text(encoding='utf-8')}</style></head><body>",
            '<a class="skip" href="#main">Skip to the verdict</a>',
            '<main id="main">',
            body,
            "</main>",
            f"<script>{code}</script>" if script else "",
            "</body></html>",
            "",
        ]
    )


def _block(report: BlockReport, numbers: Iterable[int]) -> list[str]:
    b, marks = report.block, iter(numbers)
    return [
        f"<h2>{escape(b.title)}</h2>",
        verdict(report.headline, "<strong>Verdict.</strong> "),
        _table(report, "results", report.results),
        *_pairs(report.findings.groups()),
        *(_table(report, key, table) for key, table in report.section(DECISION).items()),
        _chart(report, next(marks)),
        "<h3>Figures</h3>" if report.figures else "",
        '<div class="figures">' + "".join(_figure(report, title, next(marks)) for title in report.figures) + "</div>",
        *(_table(report, key, table) for key, table in report.section(BODY).items()),
        _folded(
            "Details: spread, probability of improvement, expected maximum",
            [_table(report, key, table) for key, table in report.section(DETAILS).items()],
        ),
        _provenance(report),
    ]


def verdict(paragraphs: Sequence[str], lead: str = "") -> str:
    """In a box; `lead` is HTML before the first paragraph. "" where there is nothing to say."""
    inside = "".join(f"<p>{lead if i == 0 else ''}{escape(text)}</p>" for i, text in enumerate(paragraphs))
    return f'<div class="verdict">{inside}</div>' if inside else ""


def _pairs(groups: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """A heading and a list a question; long lists are folded away."""
    parts = []
    for heading, sentences in groups:
        lines, many = items(sentences), f"Pair by pair: {len(sentences)} sentences"
        parts.append(f"<h3>{escape(heading or 'Limits of the evidence')}</h3>")
        parts.append(_folded(many, [lines]) if len(sentences) > MANY else lines)
    return parts


def _figure(report: BlockReport, title: str, number: int) -> str:
    label = escape(f"{title}. {report.explanations.get(title, '')}", quote=True)
    svg = inline_svg(svg_of(report.figures[title]), f"f{number}-")
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
    return (
        f"<figure>{svg}<figcaption><strong>{escape(title)}.</strong> "
        f"{escape(report.explanations.get(title, ''))}</figcaption></figure>"
    )


def inline_svg(path: Path, mark: str) -> str:
    """The svg element alone, its ids marked, so that they differ from those of the other figures on the page."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    return re.sub(r'(\bid="|href="#|url\(#)', lambda m: m.group(1) + mark, text)


def _chart(report: BlockReport, number: int) -> str:
    if report.chart is None:
        return ""
    return (
        '<h3>Look closer</h3><noscript><p class="caption">With JavaScript there would be an interactive chart here; '
        "everything else is on the page without it.</p></noscript>"
        f'<div class="chart" id="chart-{number}" hidden><script type="application/json">{safe_json(report.chart)}'
        "</script></div>"
    )


def _table(report: BlockReport, key: str, table: Table) -> str:
    study = str(report.cells["study"].iloc[0])
    made = (
        f'<p class="made">Made by <code>python -m benchmarks.report {escape(study)}</code>; unrounded in '
        f"<code>report/{escape(report.folder.name)}/{escape(key)}.csv</code>.</p>"
    )
    return (
        f"<h3>{escape(table.title)}</h3>{grid(table.columns, table.rows, table.title)}"
        f'<p class="caption">{escape(table.caption)}</p>{items(table.notes, "notes")}{made}'
    )


def grid(columns: Sequence[str], rows: Iterable[Sequence[str]], name: str, kind: str = "") -> str:
    """A table in a box of its own, which scrolls by itself where it is too wide, by keyboard too."""
    head = "".join(f'<th scope="col">{escape(c)}</th>' for c in columns)
    lines = "".join(f'<tr><th scope="row">{escape(row[0])}</th>' + "".join(_cell(v) for v in row[1:]) + "</tr>" for row in rows)
    return (
        f'<div class="wide {kind}" role="region" tabindex="0" aria-label="Table: {escape(name, quote=True)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _cell(text: str) -> str:
    return f'<td class="long">{escape(text)}</td>' if len(text) > LONG else f"<td>{escape(text)}</td>"


def _provenance(report: BlockReport) -> str:
    names = [n for n in _FACTS if n in report.cells]
    rows = [[str(v) for v in row] for row in report.cells[names].itertuples(index=False)]
    what = reproduce(report).replace("`", "")
    return (
        "<h3>Where the numbers come from</h3>"
        + f"<p>{escape(what)}.</p>"
        + _folded(
            f"Provenance: the command, code, data and machine of each of {len(rows)} cells",
            [grid([n.replace("_", " ") for n in names], rows, "provenance", "facts")],
        )
    )


def _folded(summary: str, parts: Sequence[str]) -> str:
    return f"<details><summary>{escape(summary)}</summary>{''.join(parts)}</details>" if parts else ""


def items(lines: Sequence[str], kind: str = "") -> str:
    """A list; "" for none."""
    return f'<ul class="{kind}">' + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>" if lines else ""
