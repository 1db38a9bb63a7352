"""Searches by name from the package's configuration, with knobs, and the changes that a what-if tries on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from tuneoff.errors import ConfigError, check_one_of
from tuneoff.price import Price
from tuneoff.replay.plan import Candidate, Scenario
from tuneoff.replay.simulate import ReplayError
from tuneoff.replay.table import Table

FOLDER = Path(__file__).parents[1] / "conf" / "algorithm"
NO_SEARCH = ("pbt_replay", "record")
"""Follows a recorded schedule, which needs its weights; makes a table."""


def candidates_of(text: str) -> list[Candidate]:
    """From "random,asha2=random_asha:scheduler.reduction_factor=2". UserError where one is unknown or breaks a rule."""
    found = [_candidate(one.strip()) for one in text.split(",") if one.strip()]
    labels = [candidate.label for candidate in found]
    for label in labels:
        if labels.count(label) > 1:
            raise ConfigError(f"algorithms names {label} twice: give one of them a name, as in other={label}:...")
    if not found:
        raise ConfigError("algorithms is empty: name at least one search, as in algorithms=random,random_asha")
    return found


def _candidate(text: str) -> Candidate:
    head, *knobs = text.split(":")
    label, _, name = head.rpartition("=")
    names = tuple(sorted(file.stem for file in FOLDER.glob("*.yaml") if file.stem not in NO_SEARCH))
    check_one_of("algorithms", name, names)
    settings: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    words = [f"algorithm={name}"]
    for knob in knobs:
        path, equals, value = knob.partition("=")
        if not equals:
            raise ConfigError(f"algorithms has {text!r}, but a knob is a name and a value: {name}:{path}=VALUE")
        settings = _with(settings, path.split("."), yaml.safe_load(value))
        words.append(
            f"+algorithm.{path}={value}" if path.partition(".")[0] in ("searcher", "scheduler") else f"algorithm.{path}={value}"
        )
    candidate = Candidate(label=label or name, settings=settings, command=" ".join(words))
    candidate.algorithm  # noqa: B018 - raises where a setting breaks a rule
    return candidate


def _with(settings: dict[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    first, *rest = path
    return {**settings, first: _with(dict(settings.get(first) or {}), rest, value) if rest else value}


def changes(
    candidates: Sequence[Candidate], scenario: Scenario, table: Table, *, interruptions: float, price: Price | None = None
) -> list[tuple[Candidate, Scenario]]:
    """For each search twice and half the slots, spot interruptions, another price, and other rungs where it has any; only what
    the table and the space have room for."""
    found = []
    for candidate in candidates:
        found += list(_of_scenario(candidate, scenario, table, interruptions, price))
        found += list(_of_rungs(candidate, scenario, table))
    return found


def _of_scenario(
    candidate: Candidate, scenario: Scenario, table: Table, interruptions: float, price: Price | None
) -> Iterator[tuple[Candidate, Scenario]]:
    for slots in {2 * scenario.slots, max(1, scenario.slots // 2)} - {scenario.slots}:
        devices = round(scenario.devices * slots / scenario.slots) or 1
        yield candidate, replace(scenario, slots=slots, devices=devices, change=f"{slots} slot{'s' * (slots > 1)}")
    if table.timed and interruptions > 0:
        text = f"spot: {interruptions:g} interruptions a slot-hour"
        yield candidate, replace(scenario, interruptions_per_hour=interruptions, change=text)
    if table.timed and price is not None:
        yield candidate, replace(scenario, price=price, change=f"${price.per_device_hour_usd:g} a device-hour")


def _of_rungs(candidate: Candidate, scenario: Scenario, table: Table) -> Iterator[tuple[Candidate, Scenario]]:
    part = candidate.algorithm.scheduler
    if part.name != "asha":
        return
    tried: list[tuple[str, str, float]] = [
        *(("reduction factor", "reduction_factor", factor) for factor in (2.0, 3.0, 4.0)),
        *(("grace epochs", "grace_epochs", part.settings.grace_epochs * share) for share in (0.5, 2.0)),
    ]
    for words, knob, value in tried:
        if value == getattr(part.settings, knob):
            continue
        changed = replace(candidate, settings=_with(dict(candidate.settings), ["scheduler", knob], value))
        whole = float(value * table.evaluations_per_epoch).is_integer() and value <= table.max_epochs
        if knob == "reduction_factor" or whole:
            yield changed, replace(scenario, change=f"{words} {value:g}")


def require_replayable(candidates: Sequence[Candidate]) -> None:
    """ReplayError where every search is a population."""
    if all(candidate.population for candidate in candidates):
        raise ReplayError("algorithms names populations only, none of which can be replayed: add random, or run them for real")
