"""The trackers that a configuration names, checked: found by name, installed, with settings that they know."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from importlib.util import find_spec
from typing import Any

from tuneoff import plugins
from tuneoff.config.parts import nearest_setting
from tuneoff.trackers.contracts import Place, Tracker, TrackerError

TOOLS = "tuneoff.trackers.tools"


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A tracker and its settings, as they were given and as an instance of its `Settings`."""

    name: str
    kind: type[Tracker]
    given: Mapping[str, Any]
    settings: Any

    def destination(self, place: Place) -> str:
        return self.kind.destination(self.settings, place)

    def open(self, place: Place) -> Tracker:
        return self.kind(self.settings, place)


def as_settings(name: str, given: Mapping[str, Any]) -> str:
    """What `tuneoff track --set` is to be given for these settings of a tracker; "" where they are its defaults. Raises
    PluginError where there is no such tracker."""
    kind: type[Tracker] = plugins.find("tracker", name, TOOLS, setting="tracker")
    usual = {f.name: f.default for f in fields(kind.Settings)}
    own = {key: value for key, value in given.items() if value != usual.get(key)}
    return " ".join(shlex.quote(f"{name}.{key}={json.dumps(value)}") for key, value in own.items())


def chosen_trackers(tracker: Mapping[str, Any]) -> tuple[Chosen, ...]:
    """Those of the setting `tracker`: settings by name. Raises TrackerError, PluginError where one can't be used."""
    return tuple(choose(str(name), settings) for name, settings in tracker.items())


def choose(name: str, given: Any) -> Chosen:
    """Values of unknown settings are not repeated in an error: they may be keys."""
    kind: type[Tracker] = plugins.find("tracker", name, TOOLS, setting="tracker")
    if not isinstance(given, Mapping):
        raise TrackerError(f"tracker.{name} must be a mapping of settings, as in tracker={name} tracker.{name}.SETTING=VALUE")
    known = {f.name: f for f in fields(kind.Settings)}
    for key in given:
        if key not in known:
            raise TrackerError(
                f"tracker.{name}.{key} is not a setting of tracker={name}{nearest_setting(str(key), list(known))}; keys are "
                "taken from the environment alone"
            )
    missing = [key for key, f in known.items() if key not in given and f.default is MISSING and f.default_factory is MISSING]
    if missing:
        raise TrackerError(f"tracker.{name}.{missing[0]} is missing: give tracker.{name}.{missing[0]}=VALUE")
    absent = [package for package in kind.packages if find_spec(package) is None]
    if absent:
        remedy = f"pip install 'tuneoff[{kind.extra}]'" if kind.extra else f"pip install {absent[0]}"
        raise TrackerError(f"tracker={name} needs the package {absent[0]}, which is not installed: {remedy}, or leave it out")
    return Chosen(name=name, kind=kind, given=dict(given), settings=kind.Settings(**given))
