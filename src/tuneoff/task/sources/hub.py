"""GLUE from the Hugging Face hub: the local cache first, then the network if it answers at all.

`datasets` by itself retries an unreachable hub for 24 s (measured, datasets 5.2) before it looks into its cache.
"""

from __future__ import annotations

import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from tuneoff.task.base import TaskError, TextSplit

REPOSITORY = "nyu-mll/glue"
PROBE_SECONDS = 4.0
"""How long the hub may take to answer a first request before it counts as unreachable."""
_SPLITS = {"train": "train", "dev": "validation", "test": "test"}


def load_from_hub(name: str, label_names: tuple[str, ...]) -> tuple[dict[str, TextSplit], str]:
    """Splits and their source. Raises TaskError, which names the offline choices, where there is no way to the data."""
    cached = _load_cached(name)
    if cached is not None:
        return _to_splits(cached, label_names), f"hub {REPOSITORY}/{name}, local cache"
    return _to_splits(_download(name), label_names), f"hub {REPOSITORY}/{name}"


def _load_cached(name: str) -> Mapping[str, Any] | None:
    import datasets

    try:
        with _offline():
            loaded: Mapping[str, Any] = datasets.load_dataset(REPOSITORY, name)
    except (OSError, ValueError):  # not cached, or not in this configuration
        return None
    return loaded


def _download(name: str) -> Mapping[str, Any]:
    import datasets
    import huggingface_hub

    if huggingface_hub.constants.HF_HUB_OFFLINE or datasets.config.HF_HUB_OFFLINE:
        raise _no_data(name, "HF_HUB_OFFLINE or HF_DATASETS_OFFLINE is set and the data is not in the local cache")
    endpoint = huggingface_hub.constants.ENDPOINT
    problem = probe(endpoint)
    if problem is not None:
        raise _no_data(name, f"{endpoint} can't be reached ({problem}) and the data is not in the local cache")
    try:
        loaded: Mapping[str, Any] = datasets.load_dataset(REPOSITORY, name)
    except Exception as error:  # httpx, hub and arrow errors share no base; the cause stays attached
        raise _no_data(name, f"loading {REPOSITORY} failed ({type(error).__name__}: {error})") from error
    return loaded


def _no_data(name: str, problem: str) -> TaskError:
    return TaskError(
        f"task={name} with task.files=null comes from the Hugging Face hub, but {problem}: connect, or "
        "work offline with task.files=DIR (a folder with GLUE's own files), task=csv (your own table) or "
        "task=entail (built in)"
    )


def probe(endpoint: str, seconds: float = PROBE_SECONDS) -> str | None:
    """None if anything answers at `endpoint` within `seconds`, else what went wrong. Respects proxy variables.

    Runs in a thread, since looking up a host's name knows no time limit.
    """
    result: list[str | None] = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(endpoint, method="HEAD"), timeout=seconds):
                result.append(None)
        except urllib.error.HTTPError:
            result.append(None)
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            # A certificate that is not trusted here may be trusted by the hub's client: let that decide.
            result.append(None if isinstance(reason, ssl.SSLCertVerificationError) else str(reason))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return result[0] if result else f"no answer in {seconds:g} s"


@contextmanager
def _offline() -> Iterator[None]:
    """Acts as HF_HUB_OFFLINE=1 does, which is read once at import and so can't be set through the environment here."""
    import datasets
    from huggingface_hub import constants

    before, verbosity = constants.HF_HUB_OFFLINE, datasets.logging.get_verbosity()
    constants.HF_HUB_OFFLINE = True
    datasets.logging.set_verbosity_error()
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
        datasets.logging.set_verbosity(verbosity)


def _to_splits(loaded: Mapping[str, Any], label_names: tuple[str, ...]) -> dict[str, TextSplit]:
    splits = {}
    for split, hub_name in _SPLITS.items():
        rows = loaded[hub_name]
        names = tuple(rows.features["label"].names)
        if names != label_names:
            raise TaskError(
                f"{REPOSITORY} lists the labels {names}, but they must be {label_names}: the data on the "
                "hub has changed; use task.files=DIR"
            )
        splits[split] = TextSplit(
            text_a=tuple(rows["sentence1"]), text_b=tuple(rows["sentence2"]), label=np.array(rows["label"], dtype=np.int64)
        )
    return splits
