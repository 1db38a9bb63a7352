"""Presets that say something about each algorithm: `conf/preset/PRESET/ALGORITHM.yaml`, one file an algorithm.

A file has two parts: `algorithm`, settings that replace those of `conf/algorithm`, and `space`, instead of the model's usual
space. A part that is a name is the same part of the named file. Hydra can't take one group from the middle of a file, so both
parts are put into its store, as choices of the groups `preset_details` and `space`: `space=micro` still replaces the space, and
`space.learning_rate.high=1e-4` still changes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from tuneoff.errors import UserError

PARTS = ("algorithm", "space")


class PresetError(UserError):
    """A preset's file that has other parts than it may have, or names a file that isn't there."""


def register(*folders: Path) -> None:
    """Puts the presets of `folders` (each a folder of presets) into Hydra's store, algorithm by algorithm; of two files for
    one preset and algorithm the later counts."""
    store, spaces = ConfigStore.instance(), set()
    for preset in (path for folder in folders for path in sorted(folder.glob("*/"))):
        for path in sorted(preset.glob("*.yaml")):
            parts = _parts(path)
            if "algorithm" in parts:
                store.store(path.stem, {"algorithm": parts["algorithm"]}, f"preset_details/{preset.name}", "_global_")
            if "space" in parts:
                store.store(path.stem, parts["space"], f"space/{preset.name}")
                spaces.add(f"{preset.name}/{path.stem}")

    def preset_space(preset: str, algorithm: str, usual: str) -> str:
        return f"{preset}/{algorithm}" if f"{preset}/{algorithm}" in spaces else usual

    OmegaConf.register_new_resolver("preset_space", preset_space, replace=True)


def _parts(path: Path) -> dict[str, Any]:
    """The parts that the file has, each a mapping."""
    values = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader) if path.is_file() else None
    if not isinstance(values, Mapping) or set(values) - set(PARTS):
        raise PresetError(f"{path} must be a file with the parts {' and '.join(PARTS)}, of which it may leave out either")
    return {
        part: _parts(path.with_name(f"{value}.yaml")).get(part) if isinstance(value, str) else value
        for part, value in values.items()
    }
