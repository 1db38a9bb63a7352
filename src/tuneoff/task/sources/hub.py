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
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuneoff.task.base import TaskError, TextSplit
from tuneoff.task.sources.glue_formats import GlueFormat

REPOSITORY = "nyu-mll/glue"
PROBE_SECONDS = 4.0
"""How long the hub may take to answer a first request before it counts as unreachable."""
HIDDEN = -1
"""The label, or number, of a row whose own is kept back."""


def load_from_hub(task: str, layout: GlueFormat) -> tuple[dict[str, TextSplit], str, dict[str, int]]:
    """Splits, their source, and how many rows of each lack a text and are left out.

    Raises TaskError, which names the offline choices, where there is no way to the data.
    """
    name = layout.hub_name or task
    cached = _load_cached(name)
    if cached is not None:
        splits, left_out = _to_splits(cached, layout)
        return splits, f"hub {REPOSITORY}/{name}, local cache", left_out
    splits, left_out = _to_splits(_download(task, name), layout)
    return splits, f"hub {REPOSITORY}/{name}", left_out


def _load_cached(name: str) -> Mapping[str, Any] | None:
    import datasets

    try:
        with _offline():
            loaded: Mapping[str, Any] = datasets.load_dataset(REPOSITORY, name)
    except (OSError, ValueError):  # not cached, or not in this configuration
        return None
    return loaded


def _download(task: str, name: str) -> Mapping[str, Any]:
    import datasets
    import huggingface_hub

    if huggingface_hub.constants.HF_HUB_OFFLINE or datasets.config.HF_HUB_OFFLINE:
        raise _no_data(task, "HF_HUB_OFFLINE or HF_DATASETS_OFFLINE is set and the data is not in the local cache")
    endpoint = huggingface_hub.constants.ENDPOINT
    problem = probe(endpoint)
    if problem is not None:
        raise _no_data(task, f"{endpoint} can't be reached ({problem}) and the data is not in the local cache")
    try:
        loaded: Mapping[str, Any] = datasets.load_dataset(REPOSITORY, name)
    except Exception as error:  # httpx, hub and arrow errors share no base; the cause stays attached
        raise _no_data(task, f"loading {REPOSITORY} failed ({type(error).__name__}: {error})") from error
    return loaded


def _no_data(task: str, problem: str) -> TaskError:
    return TaskError(
        f"task={task} with task.files=null comes from the Hugging Face hub, but {problem}: connect, or "
        "work offline with task.files=DIR (a folder with GLUE's own files of the task), task=csv (your own table) or "
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


def _to_splits(loaded: Mapping[str, Any], layout: GlueFormat) -> tuple[dict[str, TextSplit], dict[str, int]]:
    """The splits, and how many rows of each lack a text."""
    splits, left_out = {}, {}
    for split, hub_name in (("train", "train"), ("dev", layout.hub_dev), ("test", layout.hub_test)):
        rows = _checked(loaded, hub_name, layout)
        columns = [list(rows[name]) for name in (layout.hub_text_a, layout.hub_text_b) if name is not None]
        whole = [not layout.incomplete_rows or all(text.strip() for text in texts) for texts in zip(*columns, strict=True)]
        texts = [tuple(compress(column, whole)) for column in columns]
        label = _targets(np.array(rows["label"])[np.array(whole, dtype=np.bool_)], split, layout)
        splits[split] = TextSplit(text_a=texts[0], text_b=texts[1] if len(texts) > 1 else None, label=label)
        left_out[split] = len(whole) - sum(whole)
    return splits, left_out


def _checked(loaded: Mapping[str, Any], hub_name: str, layout: GlueFormat) -> Any:
    """A split of the hub. Raises TaskError where its columns or labels are not those that were published."""
    wanted = [name for name in (layout.hub_text_a, layout.hub_text_b, "label") if name is not None]
    if hub_name not in loaded or not set(wanted) <= set(loaded[hub_name].features):
        found = f"its columns are {', '.join(loaded[hub_name].features)}" if hub_name in loaded else "there is none"
        raise TaskError(
            f"the split {hub_name} of {REPOSITORY} must have the columns {', '.join(wanted)}, but {found}: the data on the hub "
            "has changed; use task.files=DIR"
        )
    rows = loaded[hub_name]
    names = tuple(getattr(rows.features["label"], "names", ()))
    if names != layout.label_names:
        raise TaskError(
            f"{REPOSITORY} lists the labels {names}, but they must be {layout.label_names}: the data on the "
            "hub has changed; use task.files=DIR"
        )
    return rows


def _targets(given: NDArray[Any], split: str, layout: GlueFormat) -> NDArray[Any]:
    """int64, or float64 with NaN throughout for a test split whose numbers are hidden. Shape (n,)."""
    if layout.kind != "regression":
        return given.astype(np.int64)
    numbers = given.astype(np.float64)
    return np.full(len(numbers), np.nan) if split == "test" and (numbers == HIDDEN).all() else numbers
