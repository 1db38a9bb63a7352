"""A sweep with several searches at once, each in a process and with slots of its own: at_once=4.

A cell is the command that would make it alone, so its records are those of a sweep of one after the other.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import IO, Any

from tuneoff.commands.arguments import SWEEP, CommandLine
from tuneoff.commands.entry import FAULT
from tuneoff.config import RunConfig
from tuneoff.config.parts import available_cores
from tuneoff.errors import ConfigError

LOOK_SECONDS = 0.2
SETTING = "at_once"
PR_SET_PDEATHSIG = 1


@dataclass(kw_only=True)
class Child:
    """A cell's process. said: its standard error."""

    name: str
    process: subprocess.Popen[bytes]
    said: IO[bytes]
    began: float = field(default_factory=time.monotonic)

    def reason(self) -> str:
        """The last message that it gave."""
        self.said.seek(0)
        text = self.said.read().decode(errors="replace").strip()
        _, found, message = text.rpartition("error: ")
        return message.strip() if found else (text.splitlines() or ["no message"])[-1]


Start = Callable[[Sequence[str], Mapping[str, str], IO[bytes]], "subprocess.Popen[bytes]"]


def must_fit(config: RunConfig, gpus: int) -> None:
    """Raises ConfigError where so many searches don't fit. gpus: of this machine; those of a cluster are not counted here."""
    resources, asked = config.resources, f"{SETTING} is {config.at_once}"
    if resources.slots is None:
        raise ConfigError(
            f"{asked}, but resources.slots is null, and each search would take all there is: give resources.slots=N, the "
            "trials at once of one search"
        )
    if config.dry_run:
        raise ConfigError(f"{asked}, but dry_run measures what the machine does for one search: leave {SETTING}=1 with it")
    if resources.address is not None:
        return
    needed = config.at_once * resources.slots * resources.cpus_per_trial
    if needed > available_cores():
        raise ConfigError(
            f"{asked} with resources.slots={resources.slots} and resources.cpus_per_trial={resources.cpus_per_trial}: that "
            f"takes {needed} cores, but there are {available_cores()}; give fewer"
        )
    if gpus and resources.device != "cpu" and gpus < config.at_once:
        raise ConfigError(
            f"{asked}, but this machine has {gpus} GPUs, and each search needs one of its own at least; give fewer"
        )


def must_be_a_sweeps(config: RunConfig) -> None:
    """Raises ConfigError in a search by itself, to which the setting can only have come from a file, or without -m."""
    if config.at_once > 1:
        raise ConfigError(
            f"{SETTING} is {config.at_once}, but it is for a sweep, and read from its command line alone: give "
            f"-m and {SETTING}=N there"
        )


def environments(count: int, gpus: int) -> list[dict[str, str]]:
    """What each place tells its searches: which of this machine's GPUs are theirs."""
    if not gpus:
        return [{} for _ in range(count)]
    told = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    names = told.split(",")[:gpus] if told else [str(i) for i in range(gpus)]
    share = len(names) // count
    return [{"CUDA_VISIBLE_DEVICES": ",".join(names[i * share : (i + 1) * share])} for i in range(count)]


def cells_of(given: CommandLine) -> list[tuple[str, list[str]]]:
    """(name, arguments of `tuneoff run`) of each cell, in the order of a sweep of one after the other."""
    fixed, typed = [], {}
    for argument in given.for_hydra:
        name = argument.partition("=")[0]
        if name.lstrip("+") in given.swept:
            typed[name.lstrip("+")] = name
        elif argument not in SWEEP and name != SETTING:
            fixed.append(argument)
    found = []
    for values in itertools.product(*given.swept.values()):
        own = [f"{typed[name]}={value}" for name, value in zip(given.swept, values, strict=True)]
        found.append((" ".join(own), [*fixed, *own]))
    return found


def run_at_once(given: CommandLine, places: Sequence[Mapping[str, str]], start: Start | None = None) -> int:
    """Runs the cells, one a place at any time; says what ended and what is left. Returns the highest exit code.

    places: environment variables of each. An interrupt is passed on to every search, which ends as alone.
    """
    waiting = cells_of(given)
    sweep = _Sweep(cells=len(waiting), places=len(places))
    running: dict[int, Child] = {}
    try:
        while waiting or running:
            for place in range(len(places)):
                if place not in running and waiting:
                    name, arguments = waiting.pop(0)
                    said = TemporaryFile()  # noqa: SIM115 - closed with its child
                    running[place] = Child(name=name, process=(start or _start)(arguments, places[place], said), said=said)
            time.sleep(LOOK_SECONDS)
            for place, child in list(running.items()):
                if child.process.poll() is not None:
                    sweep.ended(running.pop(place))
    except BaseException:  # nobody goes on unseen and paid for
        for child in running.values():
            child.process.send_signal(signal.SIGTERM)
        for child in running.values():
            child.process.wait()
        raise
    return sweep.close()


def _start(arguments: Sequence[str], environment: Mapping[str, str], said: IO[bytes]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tuneoff.commands", "run", *arguments]
    own: dict[str, Any] = {"start_new_session": True, "preexec_fn": _end_with_parent}  # Ctrl-C comes from us, once
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, env={**os.environ, **environment}, **own)


def _end_with_parent() -> None:
    """Has the system send SIGTERM to this process when its parent dies, however it dies. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass(kw_only=True)
class _Sweep:
    """The count of cells, and how long they took."""

    cells: int
    places: int
    seconds: list[float] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    code: int = 0

    def ended(self, child: Child) -> None:
        took, code = time.monotonic() - child.began, child.process.returncode
        self.seconds.append(took)
        if code:
            self.failed.append((child.name, child.reason()))
            self.code = max(self.code, code if code > 0 else FAULT)
        child.said.close()
        print(f"{'failed' if code else 'done'} after {took:.0f} s: {child.name}  [{self._overview()}]", flush=True)

    def _overview(self) -> str:
        done, failed = len(self.seconds) - len(self.failed), len(self.failed)
        left = self.cells - len(self.seconds)
        parts = [f"{done} of {self.cells} done", *([f"{failed} failed"] if failed else [])]
        if left:
            seconds = sum(self.seconds) / len(self.seconds) * left / min(self.places, left)
            parts.append(f"about {seconds / 60:.0f} min left" if seconds >= 90 else f"about {seconds:.0f} s left")
        return ", ".join(parts)

    def close(self) -> int:
        if self.failed:
            lines = [f"  {name}: {reason}" for name, reason in self.failed]
            print("\n".join([f"{len(self.failed)} of {self.cells} cells failed:", *lines]), file=sys.stderr)
        return self.code
