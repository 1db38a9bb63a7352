"""What Ray Tune takes for the process of a trial: in the driver's process, an object that hands its calls on to a worker.

Ray Tune calls an actor, waits for its answers, stops and ends it. Workers train one trial after the other and outlive searches,
so they are called and waited for, and never ended, but where one hangs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from tuneoff.evaluation import Cost
from tuneoff.execution.faults import preparation_patience
from tuneoff.execution.messages import TIME, TRIAL, Ended, TrialRequest
from tuneoff.execution.references import read_reference
from tuneoff.records.schema import FAILED


@dataclass(frozen=True)
class _Method:
    remote: Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class _Call:
    """A call whose answer may take so many seconds, None for as long as it likes. what: is missing where it takes longer."""

    answer: Any
    began: float
    seconds: float | None
    what: str


class TuneActor:
    """Made where Ray Tune starts a trial's process, which the worker begins then. inputs: the session's, in the object store.

    Ray Tune calls what `__getattr__` lists, each as `method.remote(...)`.
    """

    def __init__(self, worker: Any, inputs: Any, hang_seconds: float | str | None, config: Mapping[str, Any]) -> None:
        self._worker = worker
        self._ready_seconds = preparation_patience(hang_seconds)
        self.trial = str(config[TRIAL])
        self.stopped = False
        """Whether Ray Tune has taken the trial away, for whatever reason."""
        self._call = self._getting_ready(worker.begin.remote(inputs, TrialRequest.of(config), time.time()))
        self._begun = self._call.answer

    def __getattr__(self, name: str) -> _Method:
        methods: dict[str, Callable[..., Any]] = {
            "__ray_ready__": lambda: self._begun,
            "__ray_terminate__": self._stop,
            "get_auto_filled_metrics": lambda **_: {},
            "reset": self._reset,
            "restore": self._restore,
            "stop": self._stop,
            "train": self._train,
        }
        if name not in methods:
            raise AttributeError(name)
        return _Method(methods[name])

    def _reset(self, config: Mapping[str, Any], **_: Any) -> Any:
        request = TrialRequest.of(config)
        self.trial = request.trial_id
        self._call = self._getting_ready(self._worker.reset.remote(request))
        return self._call.answer

    def _restore(self, saved: Any) -> Any:
        serial = read_reference(Path(saved.checkpoint.path))
        self._call = self._getting_ready(self._worker.load.remote(serial, int(saved.metrics[TIME])))
        return self._call.answer

    def _train(self) -> Any:
        self._call = _Call(
            answer=self._worker.train.remote(), began=time.monotonic(), seconds=ray.get(self._begun), what="no evaluation"
        )
        return self._call.answer

    def _stop(self) -> Any:
        self.stopped = True
        return self._worker.stop.remote()

    def _getting_ready(self, answer: Any) -> _Call:
        return _Call(answer=answer, began=time.monotonic(), seconds=self._ready_seconds, what="its worker was not ready")

    def end_if_hung(self) -> Ended | None:
        """Ends the worker's process where a call takes longer than it may, whatever it hangs in; Ray starts another one.

        Returns the trial's end then. The seconds that were waited are paid for.
        """
        call = self._call
        if call.seconds is None or time.monotonic() - call.began < call.seconds or self._answered():
            return None
        ray.kill(self._worker, no_restart=False)
        self._call = replace(call, seconds=None)
        return Ended(
            trial_id=self.trial,
            status=FAILED,
            reason=f"it hung: {call.what} in {call.seconds:g} s (resources.hang_seconds)",
            cost=Cost(train_seconds=call.seconds),
            worker="",
        )

    def give_up(self) -> None:
        """Ends the worker's process where a call is still under way."""
        if not self._answered():
            ray.kill(self._worker, no_restart=False)

    def died(self) -> bool:
        """Whether the worker's process died in the last call, or was away."""
        if not self._answered():
            return False
        try:
            ray.get(self._call.answer)
        except RayTaskError:  # also where another process died, which the worker asked for something
            return False
        except RayError:
            return True
        return False

    def _answered(self) -> bool:
        return bool(ray.wait([self._call.answer], timeout=0)[0])
