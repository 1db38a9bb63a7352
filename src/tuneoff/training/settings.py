"""The settings that are the same for every trial of every search. Imports neither Ray nor torch."""

from __future__ import annotations

from dataclasses import dataclass

from tuneoff.errors import check_flag, check_number, check_one_of, check_whole


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """See conf/config.yaml for a line on each."""

    evaluations_per_epoch: int = 1
    precision: str = "auto"
    bucket_lengths: bool = True
    evaluation_batch_size: int = 64
    cuda_graphs: str = "auto"
    snapshot_seconds: float | None = 0.0

    def __post_init__(self) -> None:
        check_whole("training.evaluations_per_epoch", self.evaluations_per_epoch, 1, 1000)
        check_one_of("training.precision", self.precision, ("auto", "fp32", "bf16"))
        check_flag("training.bucket_lengths", self.bucket_lengths)
        check_whole("training.evaluation_batch_size", self.evaluation_batch_size, 1, 4096)
        check_one_of("training.cuda_graphs", self.cuda_graphs, ("auto", "off"))
        if self.snapshot_seconds is not None:
            rule = "a number of seconds >= 0 (0: after every evaluation), or null for no snapshots"
            check_number("training.snapshot_seconds", self.snapshot_seconds, rule, low=0)
