"""Running a Hydra job from a command line: a user's mistake becomes one message and exit code 2."""

from __future__ import annotations

import functools
import inspect
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from tuneoff.commands.composition import CONF, register_presets
from tuneoff.commands.explain import explain
from tuneoff.commands.help import help_text
from tuneoff.errors import UserError

os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises its errors to us instead of printing and exiting with 1


def hydra_job(job: Callable[[DictConfig], None]) -> Callable[[], Any]:
    """The job on the default configuration. Hydra would print "Error executing job" and a traceback hint around a message."""

    @functools.wraps(job)
    def guarded_job(configuration: DictConfig) -> None:
        try:
            job(configuration)
        except (UserError, OmegaConfBaseException) as error:
            _fail(str(error) if isinstance(error, UserError) else explain(error))

    main: Callable[[], Any] = hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(guarded_job)
    return main


def guarded(main: Callable[[], Any]) -> None:
    """Runs a Hydra job. Exits with 2 and one message where the user can fix it, 130 where they stopped it."""
    if {"--help", "-h"} & set(sys.argv[1:]):
        print(help_text(inspect.getdoc(main) or ""))
        return
    sys.argv[1:] = sorted(sys.argv[1:], key=lambda argument: argument not in ("-m", "--multirun"))  # Hydra wants it first
    try:
        register_presets(config_dir(sys.argv[1:]))
        main()
    except (HydraException, OmegaConfBaseException) as error:
        _fail(explain(error))
    except UserError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        sys.exit(130)


def config_dir(arguments: list[str]) -> Path | None:
    """The user's own folder of configuration, where one is given."""
    for position, argument in enumerate(arguments):
        option, equals, value = argument.partition("=")
        if option in ("--config-dir", "-cd"):
            return Path(value if equals else arguments[position + 1])
    return None


def command_of(module: str) -> str:
    """The command that makes this one job, as it can be typed again: in a sweep, without the others."""
    overrides = HydraConfig.get().overrides.task
    return " ".join([f"python -m benchmarks.{module}", *(shlex.quote(override) for override in overrides)])


def _fail(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)
