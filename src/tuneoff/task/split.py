"""From a task's own splits to train, validation and test, by protocol.

heldout   Validation is cut from train: stratified by label, rows that share a sentence on one side, anew for each seed.
          Test is the labelled test split; where its labels are hidden or there is none, dev; where dev is missing or
          serves as validation, a cut from train that is the same for every seed.
blog2020  Validation is the first half of dev and test the second, unshuffled, as published in 2020. The seed has no
          effect.

Row numbers count the rows of a split as its source has them. `task.max_train_rows` comes last: it takes rows from what is
trained on and leaves validation and test as they are without it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuneoff.task.base import Task, TaskError, TextSplit
from tuneoff.task.groups import draw_groups, group_rows
from tuneoff.task.kinds import kind_of
from tuneoff.task.protocol import ProtocolSettings

__all__ = ["Index", "Part", "ProtocolSettings", "Splits", "hash_rows", "make_splits", "select", "sentences", "shares_sentence"]

Index = NDArray[np.int64]

SIZE_TOLERANCE = 0.2
"""How far a cut may miss its number of rows, as a share of it, before it is an error."""
SHARE_TOLERANCE = 0.1
"""How far a label's share in a cut may be from its share in the whole."""
_VALIDATION_STREAM, _TEST_STREAM, _LIMIT_STREAM = 1, 2, 3


@dataclass(frozen=True, kw_only=True)
class Part:
    """Rows that play one role. index: int64, ascending, from 0, into the rows of the task's split named `source`."""

    source: str
    index: Index
    rows: TextSplit

    def __len__(self) -> int:
        return len(self.index)


@dataclass(frozen=True, kw_only=True)
class Splits:
    """hash: SHA-256 over the indices, texts and labels of the three parts; equal hashes mean the same data."""

    protocol: str
    train: Part
    validation: Part
    test: Part
    hash: str
    description: str
    """A sentence for people: where each part comes from, and what is left unused."""

    @property
    def parts(self) -> dict[str, Part]:
        return {"train": self.train, "validation": self.validation, "test": self.test}


def make_splits(task: Task, protocol: ProtocolSettings, seed: int) -> Splits:
    """Raises TaskError where the task lacks a split that the protocol needs, or can't be cut as asked."""
    if protocol.rules.halves_dev:
        return _blog2020(task)
    return _heldout(task, protocol, seed)


def select(rows: TextSplit, index: Index) -> TextSplit:
    text_b = None if rows.text_b is None else tuple(rows.text_b[i] for i in index)
    return TextSplit(text_a=tuple(rows.text_a[i] for i in index), text_b=text_b, label=rows.label[index])


def hash_rows(rows: TextSplit) -> str:
    """SHA-256 over texts and labels in order."""
    digest = hashlib.sha256()
    for column in (rows.text_a, rows.text_b):
        digest.update(b"absent" if column is None else len(column).to_bytes(8, "little"))
        for text in column or ():
            data = text.encode("utf-8")
            digest.update(len(data).to_bytes(8, "little") + data)
    digest.update(rows.label.astype(f"<{rows.label.dtype.kind}8").tobytes())
    return digest.hexdigest()


def sentences(rows: TextSplit) -> set[str]:
    return {*rows.text_a, *(rows.text_b or ())}


def shares_sentence(rows: TextSplit, others: set[str]) -> NDArray[np.bool_]:
    """Mask (n,) of rows with a text, in either column, that is one of `others`."""
    columns = [column for column in (rows.text_a, rows.text_b) if column is not None]
    return np.array([any(text in others for text in row) for row in zip(*columns, strict=True)], dtype=np.bool_)


def _blog2020(task: Task) -> Splits:
    dev = _labelled(task, "dev")
    if dev is None or len(dev) < 2:
        raise TaskError(
            f"protocol=blog2020 halves the labelled dev split, but task {task.name} has none: use "
            "protocol=heldout, or give task.dev_file"
        )
    half = len(dev) // 2
    train, note = _limit(task, np.arange(len(task.splits["train"]), dtype=np.int64))
    first, second = np.arange(half), np.arange(half, len(dev))
    parts = _part(task, "train", train), _part(task, "dev", first), _part(task, "dev", second)
    return _finish(
        "blog2020",
        parts,
        f"validation = first half of dev ({half} rows), test = second half "
        f"({len(dev) - half} rows), unshuffled; train = {note or 'all of train'}",
    )


def _heldout(task: Task, protocol: ProtocolSettings, seed: int) -> Splits:
    pool: Index = np.arange(len(task.splits["train"]), dtype=np.int64)
    notes = []
    if protocol.validation_from == "dev" and _labelled(task, "dev") is None:
        raise TaskError(
            f"protocol.validation_from is 'dev', but task {task.name} has no labelled dev split: use "
            "train, or give task.dev_file"
        )
    source = _test_source(task, protocol)
    if source is None:
        pool, index = _cut(task, pool, protocol, "test", np.random.default_rng([protocol.test_seed, _TEST_STREAM]))
        test = _part(task, "train", index)
        notes.append(f"test = {len(index)} rows cut from train (test_seed {protocol.test_seed}, same in every repeat)")
    else:
        test = _part(task, source, np.arange(len(task.splits[source])))
        hidden = source == "dev" and "test" in task.splits
        notes.append(f"test = {source}, {len(test)} rows" + (" (the test labels are hidden)" if hidden else ""))
    if protocol.drop_test_overlap:
        keep = ~shares_sentence(select(task.splits["train"], pool), sentences(test.rows))
        notes.append(f"{int((~keep).sum())} rows of train dropped that share a sentence with test")
        pool = pool[keep]
    if protocol.validation_from == "dev":
        validation = _part(task, "dev", np.arange(len(task.splits["dev"])))
        notes.append(f"validation = dev, {len(validation)} rows, the same in every repeat")
    else:
        pool, index = _cut(task, pool, protocol, "validation", np.random.default_rng([seed, _VALIDATION_STREAM]))
        validation = _part(task, "train", index)
        notes.append(f"validation = {len(index)} rows cut from train (seed {seed}, stratified, grouped by {protocol.group_by})")
        if source != "dev" and _labelled(task, "dev") is not None:
            notes.append(f"dev unused ({len(task.splits['dev'])} rows; protocol.validation_from=dev uses it)")
    pool, note = _limit(task, pool)
    notes += [f"train = {note}"] if note else []
    return _finish("heldout", (_part(task, "train", pool), validation, test), "; ".join(notes))


def _limit(task: Task, pool: Index) -> tuple[Index, str]:
    """Returns at most `task.train_limit` rows of `pool`, with each label's share as in `pool`, ascending; and a note, "" for
    none."""
    limit = task.train_limit
    if limit is None or len(pool) <= limit.rows:
        return pool, ""
    strata, names = kind_of(task).strata(task, task.splits["train"].label[pool])
    rng = np.random.default_rng([limit.seed, _LIMIT_STREAM])
    mask = draw_groups(strata, np.arange(len(pool), dtype=np.int64), limit.rows, rng)
    lost, kept = set(strata.tolist()) - set(strata[mask].tolist()), pool[mask]
    if lost:
        raise TaskError(
            f"task.max_train_rows is {limit.rows}, but that leaves no train row with the label "
            f"{names[min(lost)]!r}: ask for more rows"
        )
    return kept, f"{len(kept)} of {len(pool)} rows (task.max_train_rows, seed {limit.seed}, stratified)"


def _test_source(task: Task, protocol: ProtocolSettings) -> str | None:
    """The split that is test as it stands, or None where test has to be cut from train."""
    if _labelled(task, "test") is not None:
        return "test"
    if protocol.validation_from != "dev" and _labelled(task, "dev") is not None:
        return "dev"
    return None


def _labelled(task: Task, name: str) -> TextSplit | None:
    rows = task.splits.get(name)
    return rows if rows is not None and len(rows) and rows.labelled else None


def _cut(task: Task, pool: Index, protocol: ProtocolSettings, what: str, rng: np.random.Generator) -> tuple[Index, Index]:
    """`pool` (rows of train) in two, both ascending: what remains, and what is cut off as validation or test."""
    fixed, fraction = getattr(protocol, f"{what}_rows"), getattr(protocol, f"{what}_fraction")
    wanted = fixed if fixed is not None else max(round(fraction * len(pool)), 1)
    setting = f"protocol.{what}_rows is {fixed}" if fixed is not None else f"protocol.{what}_fraction is {fraction:g}"
    if wanted >= len(pool):
        raise TaskError(f"{setting}, but there are only {len(pool)} rows of train to cut {what} from: ask for fewer")
    rows = select(task.splits["train"], pool)
    group = group_rows(rows, protocol.group_by)
    strata, names = kind_of(task).strata(task, rows.label)
    mask = draw_groups(strata, group, wanted, rng)
    problem = _fault(strata, mask, wanted, names)
    if problem is not None:
        largest = int(np.bincount(group).max())
        raise TaskError(
            f"{setting} ({wanted} of {len(pool)} rows), but {problem}. Rows with the same protocol.group_by="
            f"{protocol.group_by} stay on one side, and the largest such group has {largest} rows: use a weaker "
            f"protocol.group_by (pair keeps only identical rows together), or another size of {what}"
        )
    return pool[~mask], pool[mask]


def _fault(label: Index, mask: NDArray[np.bool_], wanted: int, names: tuple[str, ...]) -> str | None:
    """The fault of a cut, in words; None where there is none."""
    cut = int(mask.sum())
    if abs(cut - wanted) > max(SIZE_TOLERANCE * wanted, 1) or cut == len(label):
        return f"the nearest cut has {cut} rows"
    inside, outside = (np.bincount(label[side], minlength=len(names)) for side in (mask, ~mask))
    if (outside == 0).any():
        return f"that leaves no row of label {names[int(outside.argmin())]!r} to train on"
    if (inside > 0).sum() < 2:
        return "the cut would hold one label only"
    off = np.abs(inside / cut - (inside + outside) / len(label))
    if off.max() > max(SHARE_TOLERANCE, 1 / cut):
        worst = int(off.argmax())
        return (
            f"label {names[worst]!r} would be {100 * inside[worst] / cut:.0f} % of the cut and is "
            f"{100 * (inside + outside)[worst] / len(label):.0f} % of the rows"
        )
    return None


def _part(task: Task, source: str, index: Index) -> Part:
    index = index.astype(np.int64)
    index.setflags(write=False)
    return Part(source=source, index=index, rows=select(task.splits[source], index))


def _finish(protocol: str, parts: tuple[Part, Part, Part], description: str) -> Splits:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.source.encode() + b"\0" + len(part).to_bytes(8, "little"))
        digest.update(part.index.astype("<i8").tobytes() + hash_rows(part.rows).encode())
    train, validation, test = parts
    return Splits(
        protocol=protocol, train=train, validation=validation, test=test, hash=digest.hexdigest(), description=description
    )
