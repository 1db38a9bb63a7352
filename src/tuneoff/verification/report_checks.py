"""A report against the one that its records give now: every table, verdict, cell, figure and page, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tuneoff.price import Price
from tuneoff.records.seal import SHOWN
from tuneoff.report.cells import own_price
from tuneoff.report.page.made import FILE, Made, cell_seals, file_hashes, read_made
from tuneoff.report.page.study_report import FIGURE_SUFFIXES, FOLDER, HTML_PAGE, write_report
from tuneoff.verification.discrepancy import UNREADABLE, Discrepancy
from tuneoff.verification.texts import compare_texts

_DRAWN = re.compile(r"<figure>.*?</figure>|<details><summary><strong>Figures</strong>.*?</details>", re.DOTALL)
_LINKED = re.compile(r"^!\[.*?\]\((?!\.\./).*?\)\n\n.*?\n\n", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a report is to be made again; None: as it says that it was made, or shows.

    figures: whether they are drawn, and compared. usd_per_device_hour: an own price.
    """

    figures: bool | None = None
    usd_per_device_hour: float | None = None


def check_report(study: Path, options: Options | None = None) -> tuple[list[Discrepancy], list[str]]:
    """(what differs, remarks on what was compared how)."""
    root = study / FOLDER
    if not (root / HTML_PAGE).is_file():
        return [], [f"there is no report: tuneoff report {study.name} makes one"]
    found, made = check_unchanged(study)
    remarks = []
    if made is None and not found:
        remarks.append(
            f"the report has no {FILE}: it was made before reports had one, by code that may have reported otherwise, and a "
            "change of what is not derived again is not found"
        )
    price, draw = _as_made(root, made, options or Options())
    with TemporaryDirectory() as folder:
        again = Path(folder) / FOLDER
        try:
            write_report(study, price, draw=draw, folder=again, margin=made.margin if made else None)
        except UNREADABLE as error:  # a UserError is a ValueError
            words = f"records that give no report ({error})"
            found.append(Discrepancy(file=FOLDER, place="all of it", found=words, expected="one"))
            return found, remarks
        found += compare_reports(root, again, figures=draw, exact=made is None or made.same_libraries)
    if made is not None and not made.same_code:
        remarks.append(
            "the report was made by another version of tuneoff's code: where it differs from the records' report by this one, "
            f"make it again (tuneoff report {study.name}) and see what is left"
        )
    if not draw:
        remarks.append("figures were not drawn again")
    return found, remarks


def _as_made(root: Path, made: Made | None, options: Options) -> tuple[Price | None, bool]:
    """(an own price, whether figures are drawn): from the options, else from the report's own file, else from its page."""
    usd, figures = options.usd_per_device_hour, options.figures
    if usd is None and made is not None:
        usd = made.usd_per_device_hour
    if figures is None:
        shown = "<figure>" in (root / HTML_PAGE).read_text(encoding="utf-8", errors="replace")
        figures = made.figures if made is not None else shown
    return None if usd is None else own_price(usd), figures


def check_unchanged(study: Path) -> tuple[list[Discrepancy], Made | None]:
    """Whether the report's files are those that were written, and the records those that they were written from; and how it was
    made, None where that is not known."""
    root = study / FOLDER
    try:
        made = read_made(root)
    except ValueError as error:
        return [Discrepancy(file=f"{FOLDER}/{FILE}", place="the file", found=str(error), expected="as it was written")], None
    if made is None:
        return [], None
    found = [*_same_files(file_hashes(root), made.files), *_same_cells(cell_seals(study), made.cells)]
    return found, made


def _same_files(found: Mapping[str, str], known: Mapping[str, str]) -> Iterator[Discrepancy]:
    for name in sorted({*found, *known}):
        if found.get(name) != known.get(name):
            shown = [values[name][:SHOWN] if name in values else "no file" for values in (found, known)]
            yield Discrepancy(
                file=f"{FOLDER}/{name}",
                place="the file, by its SHA-256",
                found=shown[0],
                expected=f"{shown[1]}, as it was written",
            )


def _same_cells(found: Mapping[str, str], known: Mapping[str, str]) -> Iterator[Discrepancy]:
    """By their seals; "" is a cell without one."""
    for name in sorted({*found, *known}):
        if name not in known:
            yield Discrepancy(file=name, place="the cell", found="one that the report was not made from", expected="none")
        elif name not in found:
            yield Discrepancy(file=name, place="the cell", found="none", expected="one, from which the report was made")
        elif found[name] != known[name]:
            shown = [values[name][:SHOWN] or "none" for values in (found, known)]
            expected = f"{shown[1]}, when the report was made"
            yield Discrepancy(file=name, place="its seal", found=shown[0], expected=expected)


def compare_reports(root: Path, again: Path, *, figures: bool = True, exact: bool = True) -> Iterator[Discrepancy]:
    """root: the report that is there. again: the same made anew. figures: whether that has them. exact: whether the same
    libraries made both: then numbers have to agree to the last digit, otherwise to nine, and pictures are not compared."""
    drawn = figures and exact
    files = [{p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {FILE} for folder in (root, again)]
    for name in sorted(files[0] | files[1]):
        if Path(name).suffix in FIGURE_SUFFIXES and not drawn:
            continue
        if name not in files[0] or name not in files[1]:
            there = ("a file", "none") if name in files[0] else ("no file", "one")
            yield Discrepancy(file=f"{FOLDER}/{name}", place="the file", found=there[0], expected=there[1])
        elif Path(name).suffix == ".png":
            if (root / name).read_bytes() != (again / name).read_bytes():
                yield Discrepancy(file=f"{FOLDER}/{name}", place="the picture", found="another one", expected="as drawn again")
        else:
            texts = [(folder / name).read_text(encoding="utf-8", errors="replace") for folder in (root, again)]
            if not drawn:
                texts = [_LINKED.sub("", _DRAWN.sub("", text)) for text in texts]
            yield from compare_texts(f"{FOLDER}/{name}", texts[0], texts[1], exact=exact)
