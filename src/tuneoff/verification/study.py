"""All checks of a study: its records cell by cell, its cells with each other, and its report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tuneoff.errors import UserError
from tuneoff.records.identity import identity
from tuneoff.records.schema import Header
from tuneoff.records.seal import examine
from tuneoff.records.store import (
    AUDIT_FILE,
    HEADER_FILE,
    LOG_FILE,
    RETRAIN_FILE,
    WINNER_FILE,
    find_cells,
    from_dict,
    read_header,
)
from tuneoff.report.cells import ReportError
from tuneoff.verification.audit_checks import audit_of, check_audit
from tuneoff.verification.discrepancy import EXACT_SINCE, UNREADABLE, Discrepancy, Log, exact
from tuneoff.verification.facts import unchecked_facts
from tuneoff.verification.header_checks import check_header
from tuneoff.verification.log_checks import check_log
from tuneoff.verification.report_checks import Options, check_report
from tuneoff.verification.retraining_checks import check_retraining
from tuneoff.verification.rows import Rows
from tuneoff.verification.score_checks import check_scores
from tuneoff.verification.winner_checks import check_winner


@dataclass(kw_only=True)
class Verification:
    """discrepancies: none for a study that is as it was written. remarks: what could not be checked, and why.

    cells, evaluations: how many were checked. facts: what nothing vouches for, in cells without a seal.
    """

    discrepancies: list[Discrepancy] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    cells: int = 0
    sealed: int = 0
    evaluations: int = 0
    facts: int = 0
    with_rows: int = 0


def verify(study: Path, rows: Rows | None = None, report: Options | None = None) -> Verification:
    """Checks the records and the report of a study. Raises ReportError where there is none."""
    found = verify_records(study, rows)
    discrepancies, remarks = check_report(study, report)
    found.discrepancies += discrepancies
    found.remarks += remarks
    return found


def verify_records(study: Path, rows: Rows | None = None) -> Verification:
    """rows: of the tasks, default the built-in ones. Raises ReportError where the study holds no cell."""
    cells, made, at_hand = list(find_cells(study)), Verification(), rows or Rows()
    if not cells:
        raise ReportError(f"{study} holds no cells (no {HEADER_FILE} below it): name a study, or its folder")
    headers: dict[str, Header] = {}
    for cell in cells:
        _verify_cell(study, cell, made, at_hand, headers)
    made.discrepancies += _together(headers)
    old = sorted({h.protocol_version for h in headers.values() if not exact(h)})
    if old:
        since = ".".join(map(str, EXACT_SINCE))
        made.remarks.append(
            f"records of protocol {', '.join(old)}: the configuration's hash and the evaluation that was copied are not "
            f"checked, since their rules are those of {since} on"
        )
    if made.sealed < made.cells:
        made.remarks.append(
            f"{made.cells - made.sealed} of {made.cells} cells are not sealed (written before there were seals): nothing "
            f"vouches for {made.facts} of their facts, which don't follow from others"
        )
    return made


def _verify_cell(study: Path, cell: Path, made: Verification, rows: Rows, headers: dict[str, Header]) -> None:
    folder = cell.relative_to(study).as_posix()
    file = f"{folder}/{HEADER_FILE}"
    made.cells += 1
    seal = examine(cell / HEADER_FILE)
    made.sealed += seal.sealed
    for fault in seal.faults:
        made.discrepancies.append(
            Discrepancy(file=f"{folder}/{fault.file}", place=fault.place, found=fault.found, expected=fault.expected)
        )
    try:
        header = read_header(cell)
    except UserError as error:
        made.discrepancies.append(Discrepancy(file=file, place="the file", found=f"no header ({error})", expected="one"))
        return
    headers[folder] = header
    if seal.sealed:
        _say_what_is_open(made, folder, header, seal.open_bytes)
    found = {
        name: log
        for name in (LOG_FILE, RETRAIN_FILE, AUDIT_FILE)
        if (cell / name).exists()
        for log in _read(cell, name, folder, header, made)
    }
    if AUDIT_FILE in found and LOG_FILE in found:
        found[AUDIT_FILE] = audit_of(found[LOG_FILE], found[AUDIT_FILE])
    logs = list(found.values())
    made.discrepancies += _guarded(file, check_header, file, header)
    for log in logs:
        made.evaluations += sum(1 for _ in log.evaluations)
        made.discrepancies += [*_guarded(log.file, check_log, log), *_guarded(log.file, check_scores, log)]
    for name, check in ((RETRAIN_FILE, check_retraining), (AUDIT_FILE, check_audit)):
        if name in found and LOG_FILE in found:
            made.discrepancies += _guarded(found[name].file, check, found[LOG_FILE], found[name])
    winner = f"{folder}/{WINNER_FILE}"
    if (study / winner).exists() and logs:
        made.discrepancies += _guarded(winner, check_winner, winner, cell, logs[0])
    known = rows.known(header)
    if known:
        made.with_rows += 1
        made.discrepancies += _guarded(file, rows.check, file, header, logs)
    if not seal.sealed:
        made.facts += unchecked_facts(header, logs, with_rows=known)


def _say_what_is_open(made: Verification, folder: str, header: Header, open_bytes: Mapping[str, int]) -> None:
    """What was written after the seal: by a search, a retraining or an audit that was cut off, or by somebody else."""
    for name, size in open_bytes.items():
        if header.status == "finished" and name == LOG_FILE:
            made.discrepancies.append(
                Discrepancy(
                    file=f"{folder}/{name}",
                    place="its end",
                    found=f"{size} bytes after the seal",
                    expected="none, since it is finished",
                )
            )
        else:
            made.remarks.append(
                f"{folder}/{name}: {size} bytes were written after the last seal, and are checked by their rules only"
            )


def _read(cell: Path, name: str, folder: str, header: Header, made: Verification) -> Iterator[Log]:
    """The log, with a discrepancy for each line that can't be read."""
    lines, file = [], f"{folder}/{name}"
    text = (cell / name).read_text(encoding="utf-8", errors="replace").split("\n")
    for number, line in enumerate(text, start=1):
        if not line:
            continue
        try:
            lines.append((number, from_dict(json.loads(line))))
        except UNREADABLE as error:
            if number == len(text) and header.status == "running":
                made.remarks.append(f"{file}, line {number} was half-written")
            else:
                made.discrepancies.append(
                    Discrepancy(file=file, place=f"line {number}", found=f"no record ({error!r})", expected="one")
                )
    yield Log(file=file, header=header, lines=tuple(lines), retraining=name == RETRAIN_FILE, audit=name == AUDIT_FILE)


def _guarded(file: str, check: Callable[..., Iterator[Discrepancy]], *given: Any) -> list[Discrepancy]:
    """What a check finds; what it can't digest is a discrepancy as well."""
    found: list[Discrepancy] = []
    try:
        found.extend(check(*given))
    except UNREADABLE as error:
        words = f"contents that can't be checked ({type(error).__name__}: {error})"
        found.append(Discrepancy(file=file, place="its contents", found=words, expected="as they are written"))
    return found


def _together(headers: dict[str, Header]) -> Iterator[Discrepancy]:
    """Cells of one repeat on the same data share their seeds and their split; all are of one study."""
    first: dict[object, tuple[str, Header]] = {}
    studies = sorted({header.study for header in headers.values()})
    for folder, header in headers.items():
        if len(studies) > 1 and header.study != studies[0]:
            yield Discrepancy(
                file=f"{folder}/{HEADER_FILE}", place="study", found=header.study, expected=f"{studies[0]}, as other cells"
            )
        key = (
            *sorted(identity(header).items()),
            header.protocol,
            header.repeat,
            header.config.get("seed"),
            str(header.config.get("protocol")),
        )
        other, known = first.setdefault(key, (folder, header))
        for name, found, expected in (
            ("seeds", dict(header.seeds), dict(known.seeds)),
            ("data.split_sha256", header.data.get("split_sha256"), known.data.get("split_sha256")),
            ("data.encoded_sha256", header.data.get("encoded_sha256"), known.data.get("encoded_sha256")),
        ):
            if (
                found != expected
                and None not in (found, expected)
                and header.data.get("test_rows") == known.data.get("test_rows")
            ):
                yield Discrepancy(
                    file=f"{folder}/{HEADER_FILE}",
                    place=name,
                    found=str(found),
                    expected=f"{expected}, as in {other} of the same repeat",
                )
