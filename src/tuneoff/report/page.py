"""The report as one page of Markdown, and as one HTML file that needs nothing beside it."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tuneoff.report.evidence import Findings
from tuneoff.report.reading import Block
from tuneoff.report.table import Table


@dataclass(frozen=True, kw_only=True)
class BlockReport:
    """What was made of one task and model. tables: by file name, the results first. figures: title -> files."""

    block: Block
    tables: Mapping[str, Table]
    findings: Findings
    figures: Mapping[str, Sequence[Path]]
    folder: Path

    @property
    def results(self) -> Table:
        return self.tables["results"]


def markdown_page(name: str, reports: Sequence[BlockReport]) -> str:
    """Figures are linked, relative to the report's folder."""
    parts = [f"# {name}"]
    for report in reports:
        parts += [f"## {report.block.task} with {report.block.model}", report.results.markdown(),
                  report.findings.markdown()]
        parts += [table.markdown() for key, table in report.tables.items() if key != "results"]
        parts += [f"![{title}]({report.folder.name}/{_svg(files).name})\n\n{title}."
                  for title, files in report.figures.items()]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def html_page(name: str, reports: Sequence[BlockReport]) -> str:
    """Figures are inline SVG; no script, no font, nothing is fetched."""
    body, numbers = [f"<h1>{html.escape(name)}</h1>"], count(1)
    for report in reports:
        body += [f"<h2>{html.escape(report.block.task)} with {html.escape(report.block.model)}</h2>",
                 _table(report.results), _list(report.findings.sentences())]
        body += [_table(table) for key, table in report.tables.items() if key != "results"]
        body += [f"<figure>{_inline(_svg(files), f'f{next(numbers)}-')}<figcaption>{html.escape(title)}.</figcaption>"
                 "</figure>" for title, files in report.figures.items()]
    return _FRAME.format(title=html.escape(name), body="\n".join(body))


def _svg(files: Sequence[Path]) -> Path:
    return next(f for f in files if f.suffix == ".svg")


def _inline(path: Path, mark: str) -> str:
    """The svg element alone, its ids marked, so that they differ from those of the other figures on the page."""
    text = path.read_text(encoding="utf-8")
    text = text[text.index("<svg"):]
    return re.sub(r'(\bid="|href="#|url\(#)', lambda m: m.group(1) + mark, text)


def _table(table: Table) -> str:
    head = "".join(f"<th>{html.escape(c)}</th>" for c in table.columns)
    rows = "".join("<tr>" + "".join(f"<td>{html.escape(v)}</td>" for v in row) + "</tr>" for row in table.rows)
    body = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return (f"<h3>{html.escape(table.title)}</h3><p class=caption>{html.escape(table.caption)}</p>"
            f"<div class=wide>{body}</div>{_list(table.notes)}")


def _list(lines: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in lines) + "</ul>" if lines else ""


_FRAME = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
body {{ font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums }}
th, td {{ padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #ddd; vertical-align: top }}
th:first-child, td:first-child {{ text-align: left }}
.wide {{ overflow-x: auto }} .caption, figcaption, li {{ color: #555; font-size: 13px }}
figure {{ display: inline-block; margin: 1rem 1rem 1rem 0; max-width: 29rem; vertical-align: top }}
figure svg {{ width: 100%; height: auto }}
</style></head><body>
{body}
</body></html>
"""
