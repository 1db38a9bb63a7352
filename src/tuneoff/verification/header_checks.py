"""What a header says twice, or says and lets be derived: names, hashes, seeds, splits, sizes, prices."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tuneoff.config.hashed import hashed_settings
from tuneoff.price import Price, PriceError
from tuneoff.records.schema import Header
from tuneoff.report.statistics.baseline import constant_answer_score, constant_set_score
from tuneoff.seeds import derive
from tuneoff.verification.discrepancy import Discrepancy, close, exact

PARTS = ("train", "validation", "test")
STATUSES = ("running", "finished", "failed")
MULTILABEL = "multilabel"
"""The kind of task whose rows have several labels each."""

_HEX = {"config_hash": 12, "split_sha256": 64, "model_sha256": 64}


def check_header(file: str, header: Header) -> Iterator[Discrepancy]:
    for place, found, expected in (*_names(file, header), *_derived(header), *_data(header.data)):
        if found != expected:
            yield Discrepancy(file=file, place=place, found=_shown(found), expected=_shown(expected))


def _names(file: str, header: Header) -> Iterator[tuple[str, Any, Any]]:
    """The names of the header, its configuration and its folder agree."""
    yield "the cell's folder", "/".join(file.split("/")[-4:-1]), header.search_name
    if header.status not in STATUSES:
        yield "status", header.status, f"one of {', '.join(STATUSES)}"
    config = header.config
    for name in ("study", "repeat"):
        if name in config:
            yield name, getattr(header, name), config[name]
    for name in ("task", "model", "algorithm", "protocol"):
        part = config.get(name)
        if isinstance(part, Mapping) and "name" in part:
            yield name, getattr(header, name), part["name"]
    if "protocol" in header.data:
        yield "data.protocol", header.data["protocol"], header.protocol
    metrics = header.data.get("metrics")
    if metrics:
        yield "metric", header.metric, next(iter(metrics))


def _derived(header: Header) -> Iterator[tuple[str, Any, Any]]:
    """The configuration's hash, the seeds, the space, the price, and the predicted dollars."""
    config = header.config
    if config and exact(header):
        whole = json.dumps(hashed_settings(config), sort_keys=True)
        yield "config_hash", header.config_hash, hashlib.sha256(whole.encode()).hexdigest()[:12]
    if "seed" in config:
        yield "seeds", dict(header.seeds), derive(config["seed"], header.repeat)
    if "space" in config:
        yield "space", header.space, config["space"]
    if "price" in config:
        yield "price", dict(header.price), _price(header.price, config["price"])
    predicted = header.extra.get("predicted")
    if isinstance(predicted, Mapping):
        dollars, whole_price = predicted["dollars"], _dollars(header.price, predicted["device_seconds"])
        if whole_price is not None and not close(dollars, whole_price):
            yield "extra.predicted.dollars", dollars, whole_price


def _price(recorded: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """A header's price, of the configuration's: on a cluster with prices of its own for some machines a mean of those."""
    expected = {"note": "", **{key: value for key, value in given.items() if key != "machines"}}
    if not given.get("machines"):
        return expected
    rates = (given["per_device_hour_usd"], *given["machines"].values())
    mean = recorded.get("per_device_hour_usd", math.nan)
    if min(rates) <= mean <= max(rates) and str(recorded.get("note", "")).startswith(expected["note"]):
        expected |= {"per_device_hour_usd": mean, "note": recorded.get("note")}
    return expected


def _dollars(price: Mapping[str, Any], device_seconds: float) -> float | None:
    try:
        return Price.from_dict(price).dollars(device_seconds)
    except PriceError:
        return None


def _data(data: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Parts are disjoint, of the sizes that are said, and within their split; baselines follow from the counts of labels."""
    for name, digits in _HEX.items():
        if isinstance(data.get(name), str):
            yield f"data.{name}", _hexadecimal(data[name], digits), True
    parts = data.get("parts")
    if not isinstance(parts, Mapping):
        return
    rows = {name: row_numbers(part["index"]) for name, part in parts.items() if "index" in part}
    sources = data.get("source_rows") or {}
    for name, part in parts.items():
        at = f"data.parts.{name}"
        if f"n_{name}" in data:
            yield f"data.n_{name}", data[f"n_{name}"], part["rows"]
        if name in rows:
            yield f"{at}.rows", part["rows"], len(rows[name])
            yield f"{at}.index, ascending", sorted(set(rows[name])) == rows[name], True
            if part["from"] in sources and rows[name]:
                size = sources[part["from"]]["rows"]
                yield f"{at}.index, within the {size} rows of {part['from']}", rows[name][-1] < size, True
        yield from _baselines(at, part, data)
    yield from _disjoint(parts, rows)


def _disjoint(parts: Mapping[str, Any], rows: Mapping[str, Sequence[int]]) -> Iterator[tuple[str, Any, Any]]:
    for i, one in enumerate(PARTS):
        for other in PARTS[i + 1 :]:
            if one in rows and other in rows and parts[one]["from"] == parts[other]["from"]:
                both = sorted(set(rows[one]) & set(rows[other]))
                yield f"data.parts, rows of {parts[one]['from']} in both {one} and {other}", both[:5], []


def _baselines(at: str, part: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    counts = part.get("label_counts")
    if not isinstance(counts, list) or not counts or sum(counts) == 0:
        return
    sets = data.get("kind") == MULTILABEL
    if sets:
        yield f"{at}.label_counts, the largest", max(counts), min(max(counts), part["rows"])
    else:
        yield f"{at}.label_counts, summed", sum(counts), part["rows"]
    if isinstance(data.get("labels"), list):
        yield f"{at}.label_counts, classes", len(counts), len(data["labels"])
    if part.get("majority_rate") is not None:
        yield f"{at}.majority_rate", part["majority_rate"], max(counts) / sum(counts)
    for metric, score in (part.get("constant_scores") or {}).items():
        expected = (
            constant_set_score(metric, counts, part["rows"])
            if sets
            else constant_answer_score(metric, counts, positive_class(data))
        )
        if not math.isnan(expected) and not close(score, expected):
            yield f"{at}.constant_scores.{metric}", score, expected


def positive_class(data: Mapping[str, Any]) -> int:
    """Index of the class that F1 is about."""
    labels, positive = data.get("labels"), data.get("positive")
    return labels.index(positive) if isinstance(labels, list) and positive in labels else 1


def row_numbers(ranges: str) -> list[int]:
    """From "0-4 7 9-12" to its numbers, in its order. ValueError for another form."""
    rows: list[int] = []
    for run in ranges.split():
        first, _, last = run.partition("-")
        rows += range(int(first), int(last or first) + 1)
    return rows


def _hexadecimal(text: str, digits: int) -> bool:
    return len(text) == digits and set(text) <= set("0123456789abcdef")


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 200 else text[:200] + "..."
