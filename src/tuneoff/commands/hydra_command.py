"""A job on the default configuration, run once, or in a sweep for each combination of the settings given."""

from __future__ import annotations

import functools
import inspect
import os
import shlex
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import Generic, TypeVar

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from tuneoff.commands.arguments import CommandLine, read_command_line
from tuneoff.commands.composition import CONF, register_presets
from tuneoff.commands.entry import FAULT, message, print_error
from tuneoff.commands.explain import explain
from tuneoff.commands.help import help_text
from tuneoff.errors import ConfigError
from tuneoff.redaction import redacted

T = TypeVar("T")
UNEXPECTED = 1
os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises its errors to us instead of printing and exiting with 1


class HydraCommand(Generic[T]):
    """Use as a decorator of the job. results: the job's return values, of the cells that did not fail.

    A sweep goes on after a cell that failed; what failed is listed at its end.
    """

    def __init__(self, job: Callable[[DictConfig], T]) -> None:
        self.__doc__ = job.__doc__
        self.results: list[T] = []
        self._job = job
        self._failed: list[tuple[str, str]] = []
        self._code = 0

    def run(self, instead: Callable[[CommandLine], int | None] | None = None) -> int:
        """The exit code. Raises ConfigError where the command line can't be read.

        instead: may take the command over, with an exit code; None: it is an ordinary one.
        """
        if {"--help", "-h"} & set(sys.argv[1:]):
            print(help_text(inspect.getdoc(self) or ""))
            return 0
        given = read_command_line(sys.argv[1:])
        register_presets(given.config_dir)
        code = instead(given) if instead is not None else None
        return self.sweep(given) if code is None else code

    def sweep(self, given: CommandLine) -> int:
        """Runs the cells of this command line. The exit code."""
        self._failed, self._code = [], 0

        @functools.wraps(self._job)
        def cell(configuration: DictConfig) -> None:
            self._run_cell(given, configuration)

        main = hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(cell)
        try:
            with tempfile.TemporaryDirectory(prefix="tuneoff-") as scratch:  # Hydra leaves a multirun.yaml of a sweep
                sys.argv[1:] = [*given.for_hydra, *([f"hydra.sweep.dir={scratch}"] if given.sweep else [])]
                main()
        except (HydraException, OmegaConfBaseException) as error:
            raise ConfigError(explain(error, given.for_hydra)) from error
        finally:
            self._list_failed(given)
        return self._code

    def _run_cell(self, given: CommandLine, configuration: DictConfig) -> None:
        name = ""
        if given.cells > 1:
            settings = HydraConfig.get().overrides.task
            name = " ".join(setting for setting in settings if setting.lstrip("+").split("=")[0] in given.swept)
            print(f"cell {HydraConfig.get().job.num + 1} of {given.cells}: {redacted(name)}", flush=True)
        try:
            self.results.append(self._job(configuration))
        except Exception as error:
            said = explain(error, given.for_hydra) if isinstance(error, OmegaConfBaseException) else message(error)
            if said is None and given.cells == 1:
                raise
            if said is None:
                print(redacted(traceback.format_exc()), file=sys.stderr)
            print_error(said or repr(error))
            self._failed.append((name, said or repr(error)))
            self._code = max(self._code, FAULT if said else UNEXPECTED)

    def _list_failed(self, given: CommandLine) -> None:
        if given.cells > 1 and self._failed:
            lines = [redacted(f"  {name}: {said}") for name, said in self._failed]
            print("\n".join([f"{len(self._failed)} of {given.cells} cells failed:", *lines]), file=sys.stderr)


def command_of(module: str) -> str:
    """The command that makes this one cell, as it can be typed again; a secret in it is left to who types it."""
    hydra = HydraConfig.get()
    own = [source.path for source in hydra.runtime.config_sources if source.provider == "command-line"]
    options = [word for folder in own for word in ("--config-dir", os.path.relpath(folder))]
    words = (*options, *map(redacted, hydra.overrides.task))
    return " ".join([f"tuneoff {module}", *map(shlex.quote, words)])
