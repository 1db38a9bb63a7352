from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from tuneoff.records.remote import lease as module
from tuneoff.records.remote.lease import PREFIX, Lease
from tuneoff.records.remote.place import Place, RemoteError

CELL = "s/entail-micro/pbt/repeat-0"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EXPIRY_SECONDS", 2.0)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.2)


def other_machine(place: Place, name: str = "1-x", host: str = "elsewhere", pid: int = 1, machine: str = "another") -> str:
    path = f"{CELL}/{PREFIX}{name}"
    place.send(path, json.dumps({"host": host, "pid": pid, "machine": machine}).encode())
    return path


def test_a_cell_that_nobody_writes_is_taken_and_given_up(address: str) -> None:
    place = Place(address)
    lease = Lease(place, CELL, "this copy")
    lease.take()
    assert len(place.files(CELL)) == 1
    assert lease.renew()
    lease.give_up()
    assert place.files(CELL) == {}
    Lease(place, CELL, "this copy").take()


def test_cells_are_taken_one_by_one(address: str) -> None:
    place = Place(address)
    Lease(place, CELL, "this copy").take()
    Lease(place, CELL.replace("repeat-0", "repeat-1"), "this copy").take()


def test_a_machine_that_is_at_work_keeps_its_cell(tmp_path: Path) -> None:
    place, notes, over = Place(f"file://{tmp_path}/x"), [], threading.Event()
    other_machine(place)

    def at_work() -> None:
        while not over.wait(0.1):
            other_machine(place)

    thread = threading.Thread(target=at_work)
    thread.start()
    try:
        with pytest.raises(RemoteError, match=r"is written by elsewhere \(process 1\) now.*study=NAME"):
            Lease(place, CELL, "this copy", notes.append).take()
    finally:
        over.set()
        thread.join()
    assert len(place.files(CELL)) == 1, "who is refused leaves nothing"
    assert len(notes) == 1
    assert "waiting up to 2 s" in notes[0]


def test_a_machine_that_is_gone_is_waited_for_once(address: str) -> None:
    place, notes = Place(address), []
    gone = other_machine(place)
    lease = Lease(place, CELL, "this copy", notes.append)
    lease.take()
    assert gone not in place.files(CELL)
    assert lease.renew()
    assert len(notes) == 1


def test_a_process_of_this_machine_that_is_gone_is_not_waited_for(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place, notes = Place(address), []
    monkeypatch.setattr(module, "EXPIRY_SECONDS", 1e9)
    gone = other_machine(place, pid=_dead(), machine=f"this copy:{module._process_space()}")
    Lease(place, CELL, "this copy", notes.append).take()
    assert gone not in place.files(CELL)
    assert notes == []


def test_a_process_number_means_nothing_on_another_machine_or_in_another_container(tmp_path: Path) -> None:
    place, notes = Place(f"file://{tmp_path}/x"), []
    other_machine(place, host=module.socket.gethostname(), pid=_dead(), machine="this copy:of another container")
    Lease(place, CELL, "this copy", notes.append).take()
    assert len(notes) == 1, "it was waited for"


def test_a_machine_that_was_taken_for_gone_is_told(tmp_path: Path) -> None:
    place = Place(f"file://{tmp_path}/x")
    first = Lease(place, CELL, "this copy")
    first.take()
    for path in place.files(CELL):
        place.delete(path)
    theirs = other_machine(place)
    assert not first.renew()
    assert list(place.files(CELL)) == [theirs], "it does not say again that it is at work"


def test_a_note_that_is_lost_without_another_machine_is_written_again(tmp_path: Path) -> None:
    """A disk that was away for a moment, or a folder that somebody emptied."""
    place = Place(f"file://{tmp_path}/x")
    first = Lease(place, CELL, "this copy")
    first.take()
    for path in place.files(CELL):
        place.delete(path)
    assert first.renew()
    assert len(place.files(CELL)) == 1


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"host": 1}', b'{"host": "x", "pid": "y", "machine": "z"}'])
def test_a_note_that_cannot_be_read_is_of_another_machine(tmp_path: Path, content: bytes) -> None:
    place, notes = Place(f"file://{tmp_path}/x"), []
    place.send(f"{CELL}/{PREFIX}1", content)
    Lease(place, CELL, "this copy", notes.append).take()
    assert "note: another machine was at work" in notes[0]


def test_of_several_that_begin_at_once_one_goes_on(tmp_path: Path) -> None:
    place, taken, refused = Place(f"file://{tmp_path}/x"), [], []
    over = threading.Event()

    def begin() -> None:
        lease = Lease(place, CELL, "this copy")
        try:
            lease.take()
        except RemoteError:
            refused.append(lease)
            return
        taken.append(lease)
        while not over.wait(0.05):
            lease.renew()

    threads = [threading.Thread(target=begin) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(600):
            if len(taken) + len(refused) == 3:
                break
            over.wait(0.1)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert (len(taken), len(refused)) == (1, 2)


def _dead() -> int:
    """The number of a process that has ended."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return pid
