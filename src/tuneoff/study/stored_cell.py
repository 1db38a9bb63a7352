"""Checks of a requested search against the cells that the results already hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuneoff.config import RunConfig
from tuneoff.config.hashed import hashed_settings
from tuneoff.errors import StudyError
from tuneoff.records.audit import completed_share
from tuneoff.records.identity import IDENTITY, MODEL_WEIGHTS, TASK_DATA, TEST_ROWS, UNKNOWN, identity, identity_of
from tuneoff.records.incumbent import incumbent
from tuneoff.records.provenance import PROTOCOL_VERSION
from tuneoff.records.schema import Cell, Header
from tuneoff.records.store import (
    HEADER_FILE,
    KEPT_FOLDER,
    MODEL_FOLDER,
    RETRAIN_FILE,
    WINNER_FILE,
    find_cells,
    load_cell,
    must_lead_nowhere_else,
    read_header,
)


def finished(config: RunConfig) -> bool:
    """Whether the cell exists and is complete. Raises StudyError where a cell of another configuration is in its place, where
    running the search would mix two versions of the protocol, where the winner is to be kept and its weights are gone, or
    where a link leads out of the results."""
    cell = config.cell
    _must_be_in_the_results(config)
    if not (cell / HEADER_FILE).exists():
        _must_be_of_this_protocol(config)
        return False
    header = read_header(cell)
    if header.config_hash != config.hash:
        changed = _first_difference(hashed_settings(header.config), hashed_settings(config.raw))
        raise StudyError(
            f"study={config.study} already has {config.algorithm.name}, repeat {config.repeat}, under another "
            f"configuration ({changed}), and results are never overwritten: give "
            f"study=NAME, or delete {config.cell_shown}"
        )
    _must_have_kept(config, header)
    if header.status == "finished" and _retrained(cell) >= config.retrain and completed_share(header) >= config.audit:
        return True
    _must_be_of_this_protocol(config)
    return False


def _must_be_in_the_results(config: RunConfig) -> None:
    """Raises StudyError where the study's folder is a link out of the results, RecordError where one below it is."""
    study = config.results / config.study
    if not study.resolve().is_relative_to(config.results.resolve()):
        raise StudyError(
            f"study is {config.study!r}, but {study} is a link to {study.resolve()}, and a study's folder lies in the results: "
            f"give results={study.resolve().parent} study={study.resolve().name}, or another study=NAME"
        )
    must_lead_nowhere_else(study)


def kept_file(cell: Cell) -> Path | None:
    """The file with the weights of the best evaluation so far; None where there is none."""
    if not cell.evaluations:
        return None
    name = incumbent(cell).kept
    path = cell.path / KEPT_FOLDER / name if name is not None else None
    return path if path is not None and path.is_file() else None


def _must_have_kept(config: RunConfig, header: Header) -> None:
    if config.keep is None or (config.cell / MODEL_FOLDER).is_dir():
        return
    cell = load_cell(config.cell)
    if header.status == "finished" or (cell.evaluations and kept_file(cell) is None):
        said = "is finished" if header.status == "finished" else "began"
        raise StudyError(
            f"keep is {config.keep!r}, but {config.algorithm.name}, repeat {config.repeat}, of study={config.study} {said} "
            "without it, and the weights of its best evaluation are gone: leave keep=null, and give keep=winner to the command "
            f"that trains the winner again (in its summary and in {config.cell / WINNER_FILE}), or study=NAME for a new search"
        )


def must_be_unchanged(config: RunConfig, data_facts: Mapping[str, Any]) -> None:
    """Raises StudyError where the data of the finished cell differs from the present data. data_facts: of the present data."""
    header = read_header(config.cell)
    if _minor(header.protocol_version) != _minor(PROTOCOL_VERSION):
        return  # other rules, other hashes
    for name, what in (("source_rows", "rows or labels"), ("split_sha256", "the split")):
        if name in data_facts and name in header.data and data_facts[name] != header.data[name]:
            raise StudyError(
                f"study={config.study} already has {config.algorithm.name}, repeat {config.repeat}, but its data has changed "
                f"since ({what}), and results are never overwritten: put the data back as it was, give study=NAME, or "
                f"delete {config.cell_shown}"
            )


def must_fit_the_study(config: RunConfig, facts: Mapping[str, Any], metric: str) -> None:
    """Raises StudyError where the study's other cells under the same name of task and model have other data, test rows or
    weights.

    facts: of the search that is to begin, as its header will hold them. metric: the one that it maximises. Facts that either
    side lacks are not compared.
    """
    mine = identity_of(facts, config.raw)
    for cell in find_cells(config.cell.parents[1]):
        header = read_header(cell)
        if cell.resolve() == config.cell or (header.protocol, header.metric) != (config.protocol.name, metric):
            continue
        theirs = identity(header)
        differs = [name for name in IDENTITY if UNKNOWN not in (mine[name], theirs[name]) and mine[name] != theirs[name]]
        if differs:
            section = _SECTIONS[differs[0]]
            changed = _first_difference(header.config.get(section), config.raw.get(section), section)
            raise StudyError(
                f"study={config.study} already has {header.algorithm}, repeat {header.repeat}, of {header.task} with "
                f"{header.model} with other {differs[0]} ({changed or 'what the settings name has changed since'}), and the "
                "numbers of a study are averaged and compared: put that back as it was, or give study=NAME for a new study"
            )


_SECTIONS = {TASK_DATA: "task", TEST_ROWS: "protocol", MODEL_WEIGHTS: "model"}
"""The settings that decide about each part of a cell's identity."""


def _must_be_of_this_protocol(config: RunConfig) -> None:
    """Raises StudyError where the study's cells, or the cell to be resumed, follow another version of the protocol."""
    study = config.results / config.study
    versions = {read_header(cell).protocol_version for cell in find_cells(study)}
    other = sorted(version for version in versions if _minor(version) != _minor(PROTOCOL_VERSION))
    if other:
        raise StudyError(
            f"study={config.study} was begun under protocol {other[0]}, but this is protocol {PROTOCOL_VERSION}, "
            "and their results don't compare (see CHANGELOG.md): give study=NAME for a new study, or go on "
            "with the version of tuneoff that began it"
        )


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _retrained(cell: Path) -> int:
    return len(load_cell(cell, RETRAIN_FILE).trial_ends)


def _first_difference(old: Any, new: Any, where: str = "") -> str:
    """The first setting in which two configurations differ, for a message."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}, key=str):
            found = _first_difference(old.get(key), new.get(key), f"{where}.{key}" if where else str(key))
            if found:
                return found
        return ""
    return "" if old == new else f"{where} was {old!r} and is {new!r}"
