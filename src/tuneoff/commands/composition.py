"""The default configuration, which is part of the package, and what Hydra composes from it and the user's overrides."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from tuneoff.commands import presets
from tuneoff.config import RunConfig
from tuneoff.config.reading import from_plain

CONF = Path(__file__).parents[1] / "conf"


@lru_cache(maxsize=1)
def register_presets(config_dir: Path | None = None) -> None:
    """Registers the presets of the package and of the user's own folder of configuration (`--config-dir`). Read once."""
    presets.register(*(folder / "preset" for folder in (CONF, config_dir) if folder is not None))
    OmegaConf.register_new_resolver("script_name", script_name, replace=True)


def script_name(make: str | None, part: int) -> str:
    """The module's (0) or the function's (1) own name in `engine.make`, as the name of a folder; "script" without one."""
    names = [re.sub(r"[^A-Za-z0-9_]+", "-", name.rpartition(".")[2]).strip("-_") for name in str(make or "").split(":")]
    return names[part] if len(names) == 2 and names[part] else "script"


def composed(overrides: Sequence[str]) -> DictConfig:
    """The configuration that a command with these overrides composes. Raises HydraException where they don't fit."""
    register_presets()
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", list(overrides))


def to_plain(configuration: DictConfig) -> dict[str, Any]:
    """The configuration as plain data, resolved. Raises OmegaConfBaseException where a mandatory value is missing."""
    return cast(dict[str, Any], OmegaConf.to_container(configuration, resolve=True, throw_on_missing=True))


def to_config(configuration: DictConfig) -> RunConfig:
    """The checked configuration. Raises UserError where a setting is wrong."""
    return from_plain(to_plain(configuration))
