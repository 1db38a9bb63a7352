"""One search from start to finish: a cell under results/, one Ray Tune run, one recorder."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from tuneoff.algorithms.configuration import AlgorithmConfig
from tuneoff.algorithms.search import Search, build
from tuneoff.config import RunConfig
from tuneoff.errors import StudyError
from tuneoff.records.audit import AUDITED, completed_share, drawn
from tuneoff.records.provenance import PROTOCOL_VERSION, git, now_utc, plugin_hashes, versions
from tuneoff.records.schema import SCHEMA_VERSION, CalibrationRecord, Header
from tuneoff.records.store import (
    AUDIT_FILE,
    HEADER_FILE,
    LOG_FILE,
    RETRAIN_FILE,
    STATE_FOLDER,
    exclusive,
    load_cell,
    must_be_as_sealed,
    read_header,
    write_header,
)
from tuneoff.redaction import redacted, redacted_settings
from tuneoff.seeds import derive
from tuneoff.study.audit import audit_search
from tuneoff.study.estimate import estimate, simulate
from tuneoff.study.hardware import hardware
from tuneoff.study.meters import Meters, add
from tuneoff.study.phase import Listener, Phase, run_phase
from tuneoff.study.plan import algorithm_and_context, build_search
from tuneoff.study.session import Ready, Session, WorkerError, must_export
from tuneoff.study.stored_cell import must_fit_the_study
from tuneoff.study.winner import leave_winner


def run(session: Session, config: RunConfig, listener: Listener, command: str = "") -> Path:
    """Runs or resumes the search and returns its cell. UserError before a search begins where the input is bad.

    command: the one that makes this cell, for the header.
    """
    session.check(config)
    cell = config.cell
    old = read_header(cell) if (cell / HEADER_FILE).exists() else None
    if old is not None:
        must_be_as_sealed(cell)
    ready = session.ready(config, old.data if old else None)
    must_export(config, ready.prepared.export is not None)
    for caution in ready.prepared.facts.get("cautions", ()):
        listener.note(redacted(f"note: {caution}"))
    search = _search(ready)
    with exclusive(cell.parents[1]):
        must_fit_the_study(config, ready.prepared.facts, ready.prepared.metrics[0])
        ready = session.settled(ready)
        header = old or _header(ready, command)
        if old is None:
            write_header(cell, header)
    with suppress(WorkerError):  # the first trial says so
        session.measure(ready, search)
    status, reason, meters = "finished", "", Meters(config.energy, ready.prepared.device)
    if header.status != "finished":
        with meters:
            status, reason = run_phase(session, ready, header, Phase(log=LOG_FILE, search=search), listener)
    if status == "finished" and config.retrain:
        status, reason = run_phase(session, ready, header, _retraining(ready), listener)
    if status == "finished":
        leave_winner(ready, listener.note)
    share = completed_share(header)
    if status == "finished" and config.audit > share:
        status, reason, share = _audit(session, ready, header, listener)
    extra = {**add(dict(header.extra), meters.found), "predicted": _predicted(ready, header, search)}
    if share:
        extra[AUDITED] = share
    write_header(cell, replace(header, status="running" if status == "interrupted" else status, extra=extra))
    if status == "interrupted":
        raise KeyboardInterrupt
    shutil.rmtree(cell / STATE_FOLDER, ignore_errors=True)
    if status == "failed":
        raise StudyError(
            f"no trial of {config.algorithm.name} came to a score: {reason}. Tracebacks, where there are "
            f"any, are in {cell / 'errors'}; to run it again, delete {config.cell_shown}"
        )
    return cell


def _search(ready: Ready) -> Search:
    return build_search(ready.config, slots=ready.slots.count, devices=ready.slots.devices)


def _audit(session: Session, ready: Ready, header: Header, listener: Listener) -> tuple[str, str, float]:
    """Has the drawn trials go on to their end; returns the status, the reason and the share that is complete."""
    config = ready.config
    names = drawn(load_cell(config.cell), config.audit)
    if names:
        _, context = algorithm_and_context(config, ready.slots.count, ready.slots.devices)
        phase = Phase(log=AUDIT_FILE, search=audit_search(names, context), audited=names)
        status, reason = run_phase(session, ready, header, phase, listener)
        if status != "finished":
            return status, reason, completed_share(header)
    return "finished", "", config.audit


def _predicted(ready: Ready, header: Header, search: Search) -> dict[str, float] | None:
    """The cost predicted from the workers' calibration, before the first step; shown beside the real one."""
    config, slots = ready.config, ready.slots
    rates = [r for r in load_cell(config.cell).records if isinstance(r, CalibrationRecord)]
    if not rates:
        return None
    work = simulate(config, lambda: _search(ready))
    return estimate(
        config, work, rates[: slots.count], header.data, slots=slots.count, devices=slots.devices, population=search.population
    ).to_dict()


def _retraining(ready: Ready) -> Phase:
    """The winner of the finished search, from scratch, on `retrain` new seeds."""
    config = ready.config
    again = AlgorithmConfig.from_dict(
        {
            "name": "retrain",
            "trials": config.retrain,
            "searcher": {"name": "replay", "source": str(config.cell)},
            "scheduler": {"name": "none"},
        }
    )
    _, context = algorithm_and_context(config, ready.slots.count, ready.slots.devices)
    return Phase(log=RETRAIN_FILE, search=build(again, context), prefix="r")


def _header(ready: Ready, command: str) -> Header:
    config, prepared = ready.config, ready.prepared
    return Header(
        schema_version=SCHEMA_VERSION,
        protocol_version=PROTOCOL_VERSION,
        study=config.study,
        task=config.task.name,
        model=config.model.name,
        algorithm=config.algorithm.name,
        repeat=config.repeat,
        protocol=config.protocol.name,
        metric=prepared.metrics[0],
        status="running",
        started_utc=now_utc(),
        config=config.raw,
        config_hash=config.hash,
        seeds=derive(config.seed, config.repeat),
        space=config.raw["space"],
        data={
            name: redacted_settings(fact) if isinstance(fact, str) or name == "cautions" else fact
            for name, fact in prepared.facts.items()
        },
        price=redacted_settings(config.price.as_dict()),
        versions=versions(),
        git={**git(), **({"plugins": plugin_hashes(config.plugins)} if config.plugins else {})},
        hardware=hardware(prepared.device),
        command=command,
    )
