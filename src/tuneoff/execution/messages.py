"""What the trials of a search are given. Knows neither torch nor Ray, so that a process may carry it that has neither."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tuneoff.hparams import HParams
from tuneoff.records.recipe import Schedule

if TYPE_CHECKING:
    from tuneoff.model.loading import BaseModel
    from tuneoff.task.encode import EncodedSplit

TRIAL = "trial"
"""The key of a trial's name in the configuration that Ray Tune gives it."""
SCORE = "score"
"""The key of a result that searches go by; higher is better."""
MODE = "max"
TIME = "training_iteration"
"""Ray's count of evaluations, a search's clock; after a copy it is the donor's."""


@dataclass(frozen=True, kw_only=True)
class StoredState:
    """Stands on the shared-state actor for a state that lies in a snapshot's file."""

    file: str


@dataclass(frozen=True, kw_only=True)
class Material:
    """What is large, and the same for all searches on one split of one task and model. Arrays are not copied by Ray."""

    base: BaseModel
    train: EncodedSplit
    validation: EncodedSplit
    test: EncodedSplit | None


@dataclass(frozen=True, kw_only=True)
class TrialInputs:
    """What every trial of a search is given.

    material: a reference to a Material in Ray's object store; material_key: equal where the Material is.
    hparams: in force where neither the search nor `schedule` sets them. resume: how a checkpoint is continued, see
    finetune. batch_sizes: at which a worker's speed is measured. checkpoints: whether the scheduler exploits.
    schedule: what every trial follows instead of a proposal.
    snapshot_seconds: see SnapshotWriter; None writes none. test_always: not only incumbents are scored on test.
    began: time.time() at which the session of the search began, and its name. deadline: time.time() at which a budget of
    time is spent, or None.
    """

    material: Any
    material_key: str
    n_labels: int
    metrics: tuple[str, ...]
    hparams: HParams
    seed: int
    device: str
    threads: int
    batch_sizes: tuple[int, ...]
    bf16: bool
    evaluations_per_epoch: int
    bucket_lengths: bool
    evaluation_batch_size: int
    resume: str
    checkpoints: bool
    schedule: Schedule | None
    snapshot_folder: str
    snapshot_seconds: float | None
    test_always: bool
    began: float
    deadline: float | None
    board: Any
    cuda_graphs: bool = True


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """executors: handles, one a slot, of which each worker of Ray Tune takes one (see seats); none where a worker holds its
    own. seats: folder of the locks by which they are taken."""

    inputs: TrialInputs
    executors: tuple[Any, ...]
    seats: str
