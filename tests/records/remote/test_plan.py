"""What makes a unit here like the one there."""

from __future__ import annotations

import pytest

from tuneoff.records.remote.known import Pair, Plan, plan
from tuneoff.records.remote.place import Stamp

CELL = "s/entail-micro/pbt/repeat-0"
LOG, HEADER, STATE = f"{CELL}/trials.jsonl", f"{CELL}/run.json", f"{CELL}/state/1.safetensors"
OLD, NEW = Stamp(1, 1), Stamp(2, 2)
SAME = Pair(OLD, OLD)


@pytest.mark.parametrize(
    ("known", "here", "there", "expected"),
    [
        ({}, {}, {}, Plan()),
        ({LOG: SAME}, {LOG: OLD}, {LOG: OLD}, Plan()),
        ({LOG: SAME}, {LOG: NEW}, {LOG: OLD}, Plan()),  # to be sent
        ({}, {LOG: NEW}, {}, Plan()),  # likewise
        ({}, {}, {LOG: NEW, HEADER: NEW}, Plan(fetch=(HEADER, LOG))),
        ({LOG: SAME}, {LOG: OLD}, {LOG: NEW}, Plan(fetch=(LOG,))),
        ({LOG: SAME}, {}, {LOG: OLD}, Plan(fetch=(LOG,))),  # lost here
        ({LOG: SAME}, {LOG: OLD}, {}, Plan(delete=(LOG,), forget=(LOG,))),
        ({LOG: SAME}, {}, {}, Plan(forget=(LOG,))),
        ({LOG: SAME}, {LOG: NEW}, {LOG: NEW}, Plan(conflict=True)),
        ({LOG: SAME}, {LOG: NEW}, {}, Plan(conflict=True)),
        ({}, {LOG: NEW}, {LOG: NEW}, Plan(conflict=True)),
        ({}, {}, {STATE: NEW}, Plan()),  # not without its being asked for
        ({STATE: SAME}, {STATE: OLD}, {}, Plan()),
    ],
)
def test_of_a_cell(known: dict[str, Pair], here: dict[str, Stamp], there: dict[str, Stamp], expected: Plan) -> None:
    assert plan(CELL, known, here, there, heavy=False) == expected


def test_weights_come_where_they_are_asked_for() -> None:
    assert plan(CELL, {}, {}, {STATE: NEW}, heavy=True) == Plan(fetch=(STATE,))
    assert plan(CELL, {STATE: SAME}, {}, {STATE: OLD}, heavy=True) == Plan(fetch=(STATE,))
    assert plan(CELL, {STATE: SAME}, {STATE: OLD}, {}, heavy=True) == Plan(delete=(STATE,), forget=(STATE,))


@pytest.mark.parametrize("known", [{}, {"s/report.md": SAME}])
def test_of_a_report_the_version_there_counts(known: dict[str, Pair]) -> None:
    page = "s/report.md"
    assert plan("s", known, {page: NEW}, {page: NEW}, heavy=False) == Plan(fetch=(page,))
