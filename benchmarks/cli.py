"""What the Hydra entry points share: one place where a user's mistake becomes one message and exit code 2."""

from __future__ import annotations

import contextlib
import difflib
import functools
import inspect
import os
import re
import shlex
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from tuneoff.config import RunConfig, from_plain
from tuneoff.errors import UserError

os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises its errors to us instead of printing and exiting with 1


def compose(composed: DictConfig) -> RunConfig:
    """Frozen dataclasses from Hydra's configuration. UserError where it is wrong."""
    return from_plain(cast(dict[str, Any], OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)))


def exit_on_user_error(job: Callable[[DictConfig], None]) -> Callable[[DictConfig], None]:
    """Around a Hydra job: Hydra would print "Error executing job" and a traceback hint around the message."""

    @functools.wraps(job)
    def guarded_job(composed: DictConfig) -> None:
        try:
            job(composed)
        except (UserError, OmegaConfBaseException) as error:
            _fail(str(error) if isinstance(error, UserError) else _explain(error))

    return guarded_job


def guarded(main: Callable[[], Any]) -> None:
    """Runs an entry point. Exits with 2 and one message where the user can mend it, 130 where they stopped it."""
    if {"--help", "-h"} & set(sys.argv[1:]):
        print(help_text(inspect.getdoc(main) or ""))
        return
    sys.argv[1:] = sorted(sys.argv[1:], key=lambda argument: argument not in ("-m", "--multirun"))  # Hydra wants it first
    try:
        main()
    except (HydraException, OmegaConfBaseException) as error:
        _fail(_explain(error))
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        sys.exit(130)


def command_of(module: str) -> str:
    """The command that makes this one job, as it can be typed again: in a sweep, without the others."""
    from hydra.core.hydra_config import HydraConfig

    overrides = HydraConfig.get().overrides.task
    return " ".join([f"python -m benchmarks.{module}", *(shlex.quote(override) for override in overrides)])


def help_text(what: str) -> str:
    """Usage, choices, and every setting with its line of explanation, from the configuration files themselves."""

    def body(path: Path) -> str:
        return path.read_text(encoding="utf-8").rstrip()

    general = body(CONF / "config.yaml").split("_self_", 1)[1].split("\nhydra:", 1)[0].split("\n\n", 1)[1]
    choices = [
        f"  {folder.name}={'|'.join(sorted(p.stem for p in folder.glob('*.yaml')))}"
        for folder in sorted(CONF.iterdir())
        if folder.is_dir() and folder.name != "preset_details"
    ]
    files = [
        f"{folder}={choice}\n{textwrap.indent(body(CONF / folder / f'{choice}.yaml'), '  ')}"
        for folder, choice in SHOWN.items()
    ]
    return "\n\n".join(
        [
            what.strip(),
            "Choices",
            "\n".join(choices),
            "Settings: change one with name=value, add one with +name=value, remove one with ~name; sweep with -m and commas",
            general,
            "Settings of some choices (all are in conf/<group>/<choice>.yaml)",
            *files,
        ]
    )


CONF = Path(__file__).parents[1] / "conf"
SHOWN = {"algorithm": "pbt", "task": "csv", "model": "minilm", "space": "micro", "protocol": "heldout", "price": "v100-2020"}


def _fail(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


def _explain(error: Exception) -> str:
    """Hydra's message in the words of a command line, with the nearest setting where one was misspelt."""
    cause = error.__cause__
    text = str(error).strip() or type(error).__name__
    key = re.search(r"Could not override '([^']+)'", text)
    if key and key[1] in _leaves(_chosen()):
        return f"{key[1]} can't be given other fields than it has: remove it and add it again, ~{key[1]} '+{key[1]}={{...}}'"
    if key:
        return f"{key[1]} is not a setting{_nearest(key[1])}; python -m benchmarks.run --help lists them all"
    group = re.search(r"Could not find '([^']+)/([^']+)'", text)
    if group:
        choices = re.findall(r"^\t(\S+)$", text, flags=re.MULTILINE)
        near = difflib.get_close_matches(group[2], choices, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        return f"{group[1]} is {group[2]!r}, but it must be one of {', '.join(choices)}{hint}"
    if isinstance(error, MissingMandatoryValue):
        return f"{error.full_key} is missing, but this choice needs it: give {error.full_key}=VALUE"
    return text if cause is None else f"{text} ({cause})".splitlines()[0]


def _nearest(key: str) -> str:
    known = list(_leaves(_chosen()))
    close = difflib.get_close_matches(key, known, n=2, cutoff=0.6)
    if not close:
        close = [name for name in known if name.rsplit(".", 1)[-1] == key.rsplit(".", 1)[-1]][:2]
    return f" (did you mean {' or '.join(close)}?)" if close else ""


def _chosen() -> dict[str, Any]:
    """The configuration that the command line's choices of files lead to, without its other settings."""
    from hydra import compose as hydra_compose
    from hydra import initialize
    from hydra.core.global_hydra import GlobalHydra

    groups = {folder.name for folder in CONF.iterdir() if folder.is_dir()}
    choices = [argument.split(",")[0] for argument in sys.argv[1:] if argument.split("=")[0] in groups]
    for overrides in (choices, []):
        GlobalHydra.instance().clear()
        with initialize(version_base="1.3", config_path="../conf"), contextlib.suppress(HydraException):
            return cast(dict[str, Any], OmegaConf.to_container(hydra_compose("config", overrides)))
    return {}


def _leaves(values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in values.items():
        yield prefix + name
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
