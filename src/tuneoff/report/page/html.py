"""The HTML page: verdict first; self-contained, nothing is fetched, and only the page's own script may run.

Without JavaScript everything is there but the interactive chart. Text from records is escaped wherever it appears.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import count
from pathlib import Path

from tuneoff.report import wording
from tuneoff.report.page.chart import safe_json
from tuneoff.report.page.markdown import FIRST, BlockReport, about, reproduce, svg_of, three_numbers
from tuneoff.report.tables import BODY, DECISION, DETAILS, Table

LONG, MANY, WIDE = 36, 8, 90
"""A table's text longer than LONG breaks into lines; a list of verdicts longer than MANY is folded away; WIDE: of a line of
column names."""
WINNERS = "winners"
"""The table that stands open below the results."""
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
    line = "What a replay of recorded curves predicts: no measurement, and in no number above"
    last = folded("Predicted", line, [predicted]) if predicted else ""
    body = [
        f"<h1>{escape(name)}</h1>",
        *(part for i, report in enumerate(reports, 1) for part in _block(report, i, numbers)),
        last,
    ]
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


def _block(report: BlockReport, place: int, marks: Iterator[int]) -> list[str]:
    """The first screen, then everything else, folded under a heading and a line that say what is inside."""
    cells, figures = report.cells, [title for title in report.figures if title not in FIRST]
    verdicts, body = len(report.findings.verdicts), report.section(BODY)
    budget = [_table(report, key, table) for key, table in report.section(DECISION).items()]
    details = [_table(report, key, table) for key, table in report.section(DETAILS).items()]
    return [
        f"<h2>{escape(report.block.title)}</h2>",
        f'<p class="caption about">{escape(about(report))}</p>',
        _first(report, place, marks),
        "<h3>Results</h3>",
        _table(report, "results", report.results, title=False, made=False),
        f"<h3>What was found</h3>{_table(report, WINNERS, body.pop(WINNERS), title=False, short=True)}"
        if WINNERS in body
        else "",
        folded(
            "Pair by pair",
            f"{wording.counted(verdicts, 'pair')} of searches, each better, equivalent or undecided; limits of the evidence",
            [_said(report.headline), *_pairs(report.findings.groups())],
        ),
        folded("With which budget", "what each search has reached by a budget, and where one leads", budget),
        folded(
            "Figures",
            f"{len(figures)} more: " + _clipped(", ".join(title.split(":")[0].lower() for title in figures)),
            ['<div class="figures">' + "".join(_figure(report, title, next(marks)) for title in figures) + "</div>"]
            if figures
            else [],
        ),
        *(folded(_plain_title(report, t), _one_line(t), [_table(report, key, t, title=False)]) for key, t in body.items()),
        folded("Details", "spread, probability of improvement, expected maximum", details),
        folded(
            "Where the numbers come from",
            f"command, code, data and machine of {wording.counted(len(cells), 'cell')}",
            [_provenance(report)],
        ),
    ]


def _first(report: BlockReport, place: int, marks: Iterator[int]) -> str:
    """What to do, three numbers, two pictures."""
    made = report.recommendation
    said = verdict([made.sentence, *made.notes] if made else report.headline)
    numbers = "".join(
        f"<div><dt>{escape(what)}</dt><dd><strong>{escape(value)}</strong> {escape(note)}</dd></div>"
        for what, value, note in (three_numbers(made, report.cells) if made else ())
    )
    scores, cost = (_figure(report, title, next(marks), short=True) if title in report.figures else "" for title in FIRST)
    pictures = f'{scores}<div><div class="static">{cost}</div>{_chart(report, place)}</div>'
    return said + (f'<dl class="numbers">{numbers}</dl>' if numbers else "") + f'<div class="pictures">{pictures}</div>'


def _said(paragraphs: Sequence[str]) -> str:
    return "".join(f"<p>{escape(text)}</p>" for text in paragraphs)


def _plain_title(report: BlockReport, table: Table) -> str:
    """Without the block's name before the colon."""
    title = table.title.removeprefix(report.block.title).lstrip(": ")
    return title[:1].upper() + title[1:]


def _one_line(table: Table) -> str:
    """The columns, as far as a line goes."""
    return _clipped(", ".join(column.lower() for column in table.columns[1:]))


def _clipped(line: str) -> str:
    return line if len(line) <= WIDE else line[:WIDE].rsplit(", ", 1)[0] + ", …"


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
        parts.append(folded(many, "", [lines]) if len(sentences) > MANY else lines)
    return parts


def _figure(report: BlockReport, title: str, number: int, *, short: bool = False) -> str:
    """short: the explanation is for the picture's label alone."""
    explained = report.explanations.get(title, "")
    label = escape(f"{title}. {explained}", quote=True)
    svg = inline_svg(svg_of(report.figures[title]), f"f{number}-")
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
    caption = f"<strong>{escape(title.split(':', maxsplit=1)[0])}.</strong> {escape(FIRST[title] if short else explained)}"
    return f"<figure>{svg}<figcaption>{caption}</figcaption></figure>"


def inline_svg(path: Path, mark: str) -> str:
    """The svg element alone, its ids marked, so that they differ from those of the other figures on the page."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    return re.sub(r'(\bid="|href="#|url\(#)', lambda m: m.group(1) + mark, text)


def _chart(report: BlockReport, number: int) -> str:
    if report.chart is None:
        return ""
    return (
        f'<div class="chart" id="chart-{number}" hidden><p class="caption"><strong>Score against cost.</strong> Mean '
        "test score of the best by validation so far; a curve ends where the first of its repeats does.</p>"
        f'<script type="application/json">{safe_json(report.chart)}</script></div>'
    )


def _table(report: BlockReport, key: str, table: Table, *, title: bool = True, made: bool = True, short: bool = False) -> str:
    """short: without caption and source."""
    study = str(report.cells["study"].iloc[0])
    source = (
        f'<p class="made">Made by <code>tuneoff report {escape(study)}</code>; unrounded in '
        f"<code>report/{escape(report.folder.name)}/{escape(key)}.csv</code>.</p>"
    )
    return (
        (f"<h3>{escape(table.title)}</h3>" if title else "")
        + grid(table.columns, table.rows, table.title)
        + ("" if short else f'<p class="caption">{escape(table.caption)}</p>')
        + items(table.notes, "notes")
        + (source if made and not short else "")
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
    return f"<p>{escape(what)}.</p>" + grid([n.replace("_", " ") for n in names], rows, "provenance", "facts")


def folded(heading: str, line: str, parts: Sequence[str]) -> str:
    """Closed at first; the heading and a line that says what is inside stay in sight. "" where there is nothing inside."""
    inside = "".join(parts)
    if not inside:
        return ""
    return f"<details><summary><strong>{escape(heading)}</strong> <span>{escape(line)}</span></summary>{inside}</details>"


def items(lines: Sequence[str], kind: str = "") -> str:
    """A list; "" for none."""
    return f'<ul class="{kind}">' + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>" if lines else ""
