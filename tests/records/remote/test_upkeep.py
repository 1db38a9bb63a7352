from __future__ import annotations

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
    cell(mirror)
    keeping.once()
    assert place.files(CELL) == {}
    assert "another machine has taken" in machine.notes[0]
    keeping.close()
    assert place.files(CELL) == {}
