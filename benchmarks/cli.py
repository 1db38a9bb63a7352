"""What the Hydra entry points share: one place where a user's mistake becomes one message and exit code 2."""

from __future__ import annotations

import difflib
import functools
import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, cast

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

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
    try:
        main()
    except (HydraException, OmegaConfBaseException) as error:
        _fail(_explain(error))
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        sys.exit(130)


def _fail(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


def _explain(error: Exception) -> str:
    """Hydra's message in the words of a command line, with the nearest setting where one was misspelt."""
    cause = error.__cause__
    text = str(error).strip() or type(error).__name__
    key = re.search(r"Could not override '([^']+)'", text)
    if key:
        return f"{key[1]} is not a setting{_nearest(key[1])}; python -m benchmarks.run --help lists them all"
    group = re.search(r"Could not find '([^']+)/([^']+)'", text)
    if group:
        choices = re.findall(r"^\t(\S+)$", text, flags=re.MULTILINE)
        near = difflib.get_close_matches(group[2], choices, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        return f"{group[1]} is {group[2]!r}, but it must be one of {', '.join(choices)}{hint}"
    missing = re.search(r"[Mm]issing mandatory value: (\S+)", text)
    if missing:
        return f"{missing[1]} is missing, but this choice needs it: give {missing[1]}=VALUE"
    return text if cause is None else f"{text} ({cause})".splitlines()[0]


def _nearest(key: str) -> str:
    known = list(_leaves(_defaults()))
    close = difflib.get_close_matches(key, known, n=2, cutoff=0.6)
    if not close:
        close = [name for name in known if name.rsplit(".", 1)[-1] == key.rsplit(".", 1)[-1]][:2]
    return f" (did you mean {' or '.join(close)}?)" if close else ""


def _defaults() -> dict[str, Any]:
    from hydra import compose as hydra_compose
    from hydra import initialize
    from hydra.core.global_hydra import GlobalHydra
    GlobalHydra.instance().clear()
    with initialize(version_base="1.3", config_path="../conf"):
        return cast(dict[str, Any], OmegaConf.to_container(hydra_compose("config")))


def _leaves(values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in values.items():
        yield prefix + name
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
