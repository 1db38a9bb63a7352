"""How a command ends: one message and an exit code for what a user can do something about."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tuneoff.commands.entry import message, run_command
from tuneoff.errors import UserError


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Python's own, whatever a Ray Tune of an earlier test left behind."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def code_of(action: Callable[[], int]) -> object:
    with pytest.raises(SystemExit) as ended:
        run_command(action)
    return ended.value.code


def fail(error: BaseException) -> Callable[[], int]:
    def action() -> int:
        raise error

    return action


def test_the_code_is_the_actions(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(lambda: 0) == 0
    assert code_of(lambda: 2) == 2
    assert capsys.readouterr().err == ""


def test_a_users_mistake_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(fail(UserError("x is 1, but it must be 2"))) == 2
    assert capsys.readouterr().err == "error: x is 1, but it must be 2\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_both_signals_end_a_command_in_one_line(number: int, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(lambda: signal.raise_signal(number) or 0) == code
    assert capsys.readouterr().err.strip() == "stopped: what was done is recorded, and the same command goes on from there"


def test_a_handler_that_takes_the_interrupt_takes_termination_as_well() -> None:
    """As Ray Tune's does, which lets the search end in order."""
    before, heard = signal.getsignal(signal.SIGINT), []

    def action() -> int:
        signal.signal(signal.SIGINT, lambda *_: heard.append(1))
        signal.raise_signal(signal.SIGTERM)
        raise KeyboardInterrupt

    try:
        assert code_of(action) == 143
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [1]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, "x"), "No space left on device; free some space, and give the same command again"),
        (OSError(errno.EDQUOT, "x"), "free some space"),
        (OSError(errno.EACCES, "x", "/root/x"), "Permission denied: /root/x; change that, or give another place"),
        (OSError(errno.EROFS, "x", Path("/cdrom")), "Read-only file system: /cdrom"),
        (NotADirectoryError(errno.ENOTDIR, "x", "/etc/passwd/x"), "Not a directory: /etc/passwd/x"),
    ],
)
def test_a_fault_of_the_machine_names_the_place_and_the_remedy(error: OSError, says: str) -> None:
    said = message(error)
    assert said is not None
    assert says in said


def test_a_file_that_is_missing_is_a_fault_of_ours_and_keeps_its_traceback() -> None:
    assert message(FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "x")) is None
    with pytest.raises(FileNotFoundError):
        run_command(fail(FileNotFoundError(errno.ENOENT, "gone", "x")))


def test_a_reader_that_has_seen_enough_is_no_fault() -> None:
    """As in python -m benchmarks.report | head -1."""
    code = (
        "from tuneoff.commands.entry import run_command\n"
        "def action():\n    for _ in range(100_000):\n        print('a line that fills a pipe')\n    return 0\n"
        "run_command(action)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert (running.stderr.read(), running.wait()) == ("", 141)
