from __future__ import annotations

import threading
import time

import pytest

from tests.records.remote.conftest import Machines
from tests.records.remote.test_mirror import CELL, cell, read, write
from tuneoff.records.remote import lease, upkeep
from tuneoff.records.remote.place import Place, RemoteError
from tuneoff.records.remote.upkeep import Upkeep


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(lease, "EXPIRY_SECONDS", 1.0)


def held(machine: Machines, name: str) -> Upkeep:
    mirror = machine(name)
    made = Upkeep(mirror, machine.notes.append)
    made.hold((mirror.folder / CELL).resolve())
    return made


def test_a_held_cell_is_brought_sent_and_given_up(machine: Machines) -> None:
    a = machine("a")
    cell(a)
    write(a, f"{CELL}/state/t000-1.safetensors", "weights")
    a.send(CELL)
    b = machine("b")
    keeping = Upkeep(b, machine.notes.append)
    keeping.hold((b.folder / CELL).resolve())
    assert read(b, f"{CELL}/state/t000-1.safetensors") == "weights", "a search goes on from its snapshots"
    write(b, f"{CELL}/trials.jsonl", "one\ntwo\n")
    keeping.let_go((b.folder / CELL).resolve())
    a.bring()
    assert read(a, f"{CELL}/trials.jsonl") == "one\ntwo\n"
    assert not [path for path in Place(machine.address).files(CELL) if ".writer" in path]
    keeping.close()
    assert machine.notes == []


def test_what_is_written_is_sent_while_the_search_goes_on(machine: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "SEND_SECONDS", 0.05)
    keeping, mirror, place = held(machine, "a"), machine("a"), Place(machine.address)
    cell(mirror, "one\ntwo\n")
    for _ in range(600):
        if place.read(f"{CELL}/trials.jsonl") == b"one\ntwo\n":
            break
        keeping._over.wait(0.05)
    assert place.read(f"{CELL}/trials.jsonl") == b"one\ntwo\n"
    keeping.close()


def test_a_place_that_is_down_costs_nothing_and_is_caught_up(machine: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = machine("a")
    keeping = Upkeep(mirror, machine.notes.append)
    keeping.hold((mirror.folder / CELL).resolve())
    cell(mirror)
    send = mirror.place.send

    def down(*_: object) -> object:
        raise RemoteError("it is down")

    monkeypatch.setattr(mirror.place, "send", down)
    keeping.once()
    keeping.once()
    assert [note for note in machine.notes if "it is down" in note] == machine.notes[:1], "said once"
    with pytest.raises(RemoteError, match=r"it is down\. Nothing is lost: the records are in .*, and the same command"):
        keeping.close()
    monkeypatch.setattr(mirror.place, "send", send)
    again = held(machine, "a")
    again.close()
    assert Place(machine.address).read(f"{CELL}/trials.jsonl") == b"one\n"


def test_a_cell_that_another_machine_has_taken_over_is_not_written_to(machine: Machines) -> None:
    mirror = machine("a")
    keeping = Upkeep(mirror, machine.notes.append)
    keeping.hold((mirror.folder / CELL).resolve())
    place = Place(machine.address)
    for path in place.files(CELL):
        place.delete(path)  # as a machine does that has waited for it
    place.send(f"{CELL}/.writer-1-x", b"{}")
    cell(mirror)
    keeping.renew()
    keeping.once()
    assert list(place.files(CELL)) == [f"{CELL}/.writer-1-x"]
    assert "another machine has taken" in machine.notes[0]
    with pytest.raises(
        RemoteError, match=r"was taken over by another machine, .*: that one's search counts, and what this one"
    ):
        keeping.close()
    assert list(place.files(CELL)) == [f"{CELL}/.writer-1-x"]


def test_a_place_that_loses_everything_for_a_moment_is_written_again(machine: Machines) -> None:
    mirror, place = machine("a"), Place(machine.address)
    keeping = Upkeep(mirror, machine.notes.append)
    keeping.hold((mirror.folder / CELL).resolve())
    cell(mirror)
    for path in place.files():
        place.delete(path)
    keeping.renew()
    keeping.close()
    assert place.read(f"{CELL}/trials.jsonl") == b"one\n"
    assert machine.notes == []


def test_what_could_not_be_sent_of_a_finished_cell_is_caught_up(machine: Machines) -> None:
    mirror, place = machine("a"), Place(machine.address)
    cell(mirror)
    keeping = Upkeep(mirror, machine.notes.append)
    keeping.catch_up((mirror.folder / CELL).resolve())
    assert place.read(f"{CELL}/trials.jsonl") == b"one\n"
    assert not [path for path in place.files(CELL) if ".writer" in path]
    sent = place.files(CELL)
    keeping.catch_up((mirror.folder / CELL).resolve())
    assert place.files(CELL) == sent, "nothing is written where nothing is missing"
    keeping.close()


def test_a_cell_that_can_not_be_brought_is_neither_held_nor_sent(machine: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror, place = machine("a"), Place(machine.address)
    cell(mirror, "never sent")
    keeping = Upkeep(mirror, machine.notes.append)

    def cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(mirror, "bring", cut)
    with pytest.raises(KeyboardInterrupt):
        keeping.hold((mirror.folder / CELL).resolve())
    keeping.close()
    assert place.files(CELL) == {}


def test_an_interrupt_in_the_last_sending_leaves_it_to_the_end_of_the_command(
    machine: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror, place = machine("a"), Place(machine.address)
    keeping = Upkeep(mirror, machine.notes.append)
    keeping.hold((mirror.folder / CELL).resolve())
    cell(mirror)
    send = mirror.send

    def cut(unit: str) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(mirror, "send", cut)
    with pytest.raises(KeyboardInterrupt):
        keeping.let_go((mirror.folder / CELL).resolve())
    monkeypatch.setattr(mirror, "send", send)
    keeping.close()
    assert place.read(f"{CELL}/trials.jsonl") == b"one\n"


def test_a_long_sending_does_not_look_like_a_machine_that_is_gone(machine: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "SEND_SECONDS", 0.1)
    mirror, place = machine("a"), Place(machine.address)
    keeping = Upkeep(mirror, machine.notes.append)
    over = threading.Event()
    monkeypatch.setattr(mirror, "send", lambda unit: over.wait(30))
    keeping.hold((mirror.folder / CELL).resolve())
    (path,) = [path for path in place.files(CELL) if ".writer" in path]
    first = place.stamp(path)
    for _ in range(300):
        if place.stamp(path) != first:
            break
        time.sleep(0.1)
    assert place.stamp(path) != first
    over.set()
    keeping.close()
