"""The display of a running search: a live panel on a terminal, elsewhere one line an evaluation."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tuneoff.config import RunConfig
from tuneoff.execution.runtime import Slots
from tuneoff.price import Price, format_dollars
from tuneoff.records.incumbent import takes_over
from tuneoff.records.schema import Cell, EvaluationRecord, Header, Record, TrialEndRecord, TrialStartRecord
from tuneoff.study.phase import Listener
from tuneoff.task.units import written

SHOWN_TRIALS = 12
REFRESH_SECONDS = 0.25


@dataclass(kw_only=True)
class _Row:
    hparams: dict[str, object]
    max_epochs: float
    status: str = "running"
    epoch: float = 0.0
    last: float | None = None
    best: float | None = None
    copied: str | None = None


@dataclass(kw_only=True)
class Progress:
    """The state that both kinds of view show."""

    config: RunConfig
    header: Header
    slots: Slots
    trials: int | None
    """The number there will be; None where the budget decides."""
    price: Price
    began: float = field(default_factory=time.monotonic)
    rows: dict[str, _Row] = field(default_factory=dict)
    running: dict[str, _Row] = field(default_factory=dict)
    """The rows of trials that have not ended."""
    best: EvaluationRecord | None = None
    """The incumbent."""
    epochs: float = 0.0
    """Trained, over all trials."""
    planned: float = 0.0
    """Epochs of all trials in `rows`, were none stopped early."""

    @classmethod
    def begin(cls, config: RunConfig, header: Header, slots: Slots, trials: int | None, log: Cell) -> Progress:
        """Makes it from the records of earlier sessions of the search."""
        progress = cls(
            config=config,
            header=header,
            slots=slots,
            trials=trials,
            price=config.price,
            began=time.monotonic() - log.wall_seconds,
        )
        for record in log.records:
            progress.update(record)
        return progress

    def update(self, record: Record) -> None:
        if isinstance(record, TrialStartRecord):
            row = _Row(hparams=dict(record.hparams), max_epochs=self._epochs_of(record.hparams))
            self.rows[record.trial_id] = self.running[record.trial_id] = row
            self.planned += row.max_epochs
        elif isinstance(record, EvaluationRecord):
            row = self.rows[record.trial_id]
            score = record.validation.metrics[self.header.metric]
            row.epoch, row.last, row.copied = record.epoch, score, record.parent_trial_id or row.copied
            row.best = score if row.best is None else max(score, row.best)
            row.hparams = {name: record.hparams[name] for name in row.hparams}
            self.planned -= row.max_epochs
            row.max_epochs = self._epochs_of(row.hparams)
            self.planned += row.max_epochs
            self.epochs += record.cost.train_examples / self.header.data["n_train"]
            if takes_over(record, self.best, self.header.metric):
                self.best = record
        elif isinstance(record, TrialEndRecord) and record.trial_id in self.rows:
            self.rows[record.trial_id].status = record.status
            self.running.pop(record.trial_id, None)

    def _epochs_of(self, hparams: Mapping[str, object]) -> float:
        return float(self.config.epochs_of(hparams))

    @property
    def charged_seconds(self) -> float:
        return (time.monotonic() - self.began) * self.slots.devices

    def left(self) -> str:
        """Time left if nothing more is stopped early, from the epochs trained so far; "" before the first."""
        if not self.epochs or self.trials is None:
            return ""
        running = sum(max(row.max_epochs - row.epoch, 0) for row in self.running.values())
        to_come = running + max(self.trials - len(self.rows), 0) * self.planned / len(self.rows)
        seconds = (time.monotonic() - self.began) / self.epochs * to_come
        return f"at most {_duration(seconds)} left" if to_come else ""

    def summary(self) -> str:
        ended = len(self.rows) - len(self.running)
        best = "no score yet"
        if self.best is not None:
            best = (
                f"best {written(self.best.validation.metrics[self.header.metric], self.header.metric)} ({self.best.trial_id})"
            )
        kind = "GPU" if self.slots.device_kind == "gpu" else "CPU"
        money = format_dollars(self.price.dollars(self.charged_seconds))
        trials = f"{ended} trials ended" if self.trials is None else f"{ended}/{self.trials} trials ended"
        parts = [trials, best, f"{self.charged_seconds / 60:.2f} {kind}-min", f"${money}", self.left()]
        return " · ".join(p for p in parts if p)

    def title(self) -> str:
        h, precision = self.header, self.header.data.get("precision")
        return (
            f"{h.algorithm} · {h.task} · {h.model} · repeat {h.repeat} · protocol {h.protocol} · "
            f"{self.slots.count} at once" + (f", {precision['chosen']}" if precision else "")
        )


class LineView:
    """Progress for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None

    def began(self, config: RunConfig, header: Header, slots: Slots, trials: int | None, log: Cell) -> None:
        self._progress = Progress.begin(config, header, slots, trials, log)
        self._console.print(self._progress.title(), highlight=False)

    def record(self, record: Record) -> None:
        progress = self._progress
        if progress is None:
            return
        progress.update(record)
        if isinstance(record, EvaluationRecord):
            row = progress.rows[record.trial_id]
            score = written(row.last, progress.header.metric)
            copied = f" from {record.parent_trial_id}" if record.parent_trial_id else ""
            self._line(record, f"epoch {row.epoch:g}/{row.max_epochs:g}  {score}{copied}  [{progress.summary()}]")
        elif isinstance(record, TrialEndRecord) and record.status not in ("completed", "stopped"):
            self._line(record, f"{record.status}: {record.reason}")

    def _line(self, record: EvaluationRecord | TrialEndRecord, text: str) -> None:
        line = f"{record.elapsed_seconds:7.1f} s  {record.trial_id}  {text}"
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def note(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def ended(self) -> None:
        self._progress = None


class LiveView:
    """Progress on a terminal: the newest trials and the totals, redrawn in place."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None

    def began(self, config: RunConfig, header: Header, slots: Slots, trials: int | None, log: Cell) -> None:
        self._progress = Progress.begin(config, header, slots, trials, log)
        self._live = Live(
            console=self._console,
            get_renderable=lambda: render(self._progress),
            refresh_per_second=1 / REFRESH_SECONDS,
            transient=False,
        )
        self._live.start()

    def record(self, record: Record) -> None:
        self._progress.update(record)

    def note(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False)

    def ended(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def render(progress: Progress) -> Group:
    names = list(progress.config.space.domains)
    table = Table(box=None, padding=(0, 1))
    for column in ("trial", "epoch", "val", "best", *names, "status"):
        table.add_column(column, justify="left" if column in ("trial", "status") else "right", no_wrap=True)
    newest = sorted(progress.rows.items(), key=lambda item: (item[1].status != "running", item[0]))[:SHOWN_TRIALS]
    for name, row in sorted(newest):
        status = row.status + (f" (copied {row.copied})" if row.copied else "")
        mark = "bold" if progress.best is not None and progress.best.trial_id == name else ""
        table.add_row(
            name,
            f"{row.epoch:g}/{row.max_epochs:g}",
            written(row.last, progress.header.metric),
            written(row.best, progress.header.metric),
            *(_value(row.hparams[n]) for n in names),
            status,
            style=mark,
        )
    hidden = len(progress.rows) - len(newest)
    more = [Text(f" … and {hidden} more that have ended", style="dim")] if hidden else []
    return Group(Text(progress.title(), style="bold"), table, *more, Text(progress.summary()))


def make_listener(view: str) -> Listener:
    """`view`: auto, live, lines or quiet."""
    console = Console()
    if view == "quiet":
        return Listener()
    shown = LiveView(console) if view == "live" or (view == "auto" and console.is_terminal) else LineView(console)
    return Listener(began=shown.began, record=shown.record, ended=shown.ended, note=shown.note)


def _value(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
