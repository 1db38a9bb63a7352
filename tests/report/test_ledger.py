"""The ledger adds up, to the microsecond, whatever the log looks like."""

from __future__ import annotations

import synthetic as syn
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneoff.evaluation import Cost
from tuneoff.records.charge import charged_seconds
from tuneoff.records.schema import TRIAL_STATUSES, Cell, Record
from tuneoff.report import ledger as spending
from tuneoff.report.frames import build_frames
from tuneoff.report.ledger import BOUGHT, EXPLOITED, IDLE, NOBODY, OUTCOMES, REPEATED, SHARED, ledger
from tuneoff.report.tables.ledger import table as ledger_table


def amounts(cell: Cell) -> dict[tuple[str, str], int]:
    return {(r.bought, r.outcome): r.microseconds for r in ledger(cell).itertuples()}


def signed(cell: Cell) -> int:
    return sum(-v if bought == SHARED else v for (bought, _), v in amounts(cell).items())


seconds = st.floats(0, 1e4)
costs = st.builds(
    Cost,
    start_up_seconds=seconds,
    train_seconds=seconds,
    evaluate_seconds=seconds,
    test_seconds=seconds,
    save_seconds=seconds,
    load_seconds=seconds,
)


@st.composite
def logs(draw: st.DrawFn) -> list[Record]:
    """Any log: sessions with other devices, copies (also of what is not there), restarts, ends of every kind."""
    records: list[Record] = []
    now, count = 0.0, dict.fromkeys("abcd", 0)
    for session in range(1, draw(st.integers(1, 3)) + 1):
        records.append(syn.start(session, now, devices=draw(st.integers(1, 8))))
        for _ in range(draw(st.integers(0, 8))):
            now += draw(seconds)
            trial = draw(st.sampled_from("abcd"))
            count[trial] += 1
            donor = draw(st.sampled_from([None, *"abcd"]))
            copied = donor is not None and donor != trial and count[donor] > 0
            records.append(
                syn.evaluation(
                    trial,
                    count[trial],
                    0.7,
                    now,
                    cost=draw(costs),
                    examples_seen=draw(st.integers(0, 5)),
                    parent_trial_id=donor if copied else None,
                    parent_evaluation=draw(st.integers(1, max(1, count[donor]))) if copied and donor else None,
                )
            )
    for trial in draw(st.sets(st.sampled_from("abcd"))):
        now += draw(seconds)
        records.append(syn.trial_end(trial, now, draw(st.sampled_from(TRIAL_STATUSES)), cost=draw(costs)))
    return records


def test_the_charge_is_wall_time_times_devices_session_by_session() -> None:
    """10 s before the first line at the first session's 2 devices, 20 s at 2, 30 s at 4: 20 + 40 + 120 device-seconds."""
    cell = syn.cell([syn.start(1, 10.0, devices=2), syn.start(2, 30.0, devices=4), syn.end(2, 60.0)])
    assert spending.charged_microseconds(cell) == 180_000_000
    assert charged_seconds(cell, 60.0) == 180
    assert charged_seconds(cell, 45.0) == 120
    assert charged_seconds(cell, 20.0) == 40, "the second session has cost nothing yet"
    assert charged_seconds(cell, 0.0) == 0
    killed_at_once = syn.cell([syn.start(1, 0.0, devices=8), syn.start(2, 0.0, devices=2), syn.end(2, 60.0)])
    assert spending.charged_microseconds(killed_at_once) == 120_000_000
    assert charged_seconds(killed_at_once, 60.0) == 120
    without = syn.cell([syn.evaluation("a", 1, 0.5, 7.0)])
    assert spending.charged_microseconds(without) == 7_000_000


@settings(max_examples=150)
@given(logs())
def test_the_parts_add_up_to_the_charge_exactly(records: list[Record]) -> None:
    cell = syn.cell(records)
    assert signed(cell) == spending.charged_microseconds(cell)
    parts = amounts(cell)
    assert all(v > 0 for v in parts.values())
    assert not ((IDLE, NOBODY) in parts and (SHARED, NOBODY) in parts)
    busy = sum(
        spending.microseconds(getattr(r.cost, name))
        for r in (*cell.evaluations, *cell.trial_ends)
        for names in BOUGHT.values()
        for name in names
    )
    assert sum(v for (bought, _), v in parts.items() if bought in BOUGHT) == busy
    assert {outcome for _, outcome in parts} <= {*OUTCOMES, NOBODY}


@settings(max_examples=60)
@given(logs())
def test_it_agrees_with_the_frames_up_to_rounding(records: list[Record]) -> None:
    cell = syn.cell(records)
    charged = charged_seconds(cell, cell.wall_seconds)
    assert abs(spending.charged_microseconds(cell) - 1e6 * charged) <= 8 * len(records) + 1e-6 * charged


@given(logs(), st.randoms(use_true_random=False))
def test_the_order_of_lines_changes_nothing(records: list[Record], shuffler: object) -> None:
    shuffled = list(records)
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined]
    devices = syn.cell(records).devices
    if syn.cell(shuffled).devices == devices:
        assert amounts(syn.cell(records)) == amounts(syn.cell(shuffled))


def one(**seconds: float) -> Cost:
    return Cost(**{f"{name}_seconds": value for name, value in seconds.items()})


def test_time_is_booked_by_what_it_bought_and_how_the_trial_ended() -> None:
    parts = amounts(
        syn.cell(
            [
                syn.start(devices=2),
                syn.evaluation("a", 1, 0.7, 10, cost=one(start_up=1, train=2, evaluate=3, test=4, save=5)),
                syn.trial_end("a", 11),
                syn.evaluation("b", 1, 0.6, 12, cost=one(train=6, load=1)),
                syn.trial_end("b", 13, "stopped"),
                syn.trial_end("c", 14, "failed", cost=one(train=0.5)),
                syn.end(elapsed=20),
            ]
        )
    )
    assert parts == {
        ("start-up", "completed"): 1_000_000,
        ("training", "completed"): 2_000_000,
        ("evaluation", "completed"): 3_000_000,
        ("test scoring", "completed"): 4_000_000,
        ("saving and loading", "completed"): 5_000_000,
        ("training", "stopped"): 6_000_000,
        ("saving and loading", "stopped"): 1_000_000,
        ("training", "failed"): 500_000,
        ("idle", "no trial"): 17_500_000,
    }


def test_what_a_member_did_before_it_copied_is_exploited_away_unless_it_lives_on() -> None:
    def at(trial: str, number: int, parent: tuple[str, int] | None = None) -> Record:
        return syn.evaluation(
            trial,
            number,
            0.7,
            10.0 * number,
            cost=one(train=1),
            examples_seen=number,
            parent_trial_id=parent[0] if parent else None,
            parent_evaluation=parent[1] if parent else None,
        )

    cell = syn.cell(
        [
            syn.start(devices=1),
            at("a", 1),
            at("b", 1),
            at("c", 1),
            at("b", 2, ("a", 1)),
            at("c", 2, ("b", 1)),
            at("c", 3),
            at("a", 2),
        ]
    )
    assert spending.lost_evaluations(cell) == {("c", 1): EXPLOITED}, "b's first evaluation lives on in c"


def test_work_done_again_after_an_interruption_is_named() -> None:
    cell = syn.cell(
        [
            syn.start(devices=1),
            *(
                syn.evaluation("a", n, 0.7, 10.0 * n, examples_seen=seen)
                for n, seen in ((1, 100), (2, 200), (3, 300), (4, 200), (5, 300))
            ),
        ]
    )
    assert spending.lost_evaluations(cell) == {("a", 2): REPEATED, ("a", 3): REPEATED}


def test_only_what_was_lost_is_done_again() -> None:
    """The third evaluation is repeated from the second one's snapshot; the first and second live on."""
    seen = ((1, 100), (2, 200), (3, 300), (4, 300))
    records = [syn.evaluation("a", n, 0.7, 10.0 * n, examples_seen=examples) for n, examples in seen]
    assert spending.lost_evaluations(syn.cell([syn.start(devices=1), *records])) == {("a", 3): REPEATED}


def test_the_tables_numbers_add_up_to_the_charge() -> None:
    cells = [syn.search(name, k, quality=0.7) for name in ("grid", "pbt") for k in range(2)]
    block, frames = next(build_frames(cells).blocks())
    table = ledger_table(block, frames)
    assert table is not None
    numbers = table.numbers
    for name in ("grid", "pbt"):
        own = numbers[numbers["algorithm"] == name]
        assert own.loc[own["bought"] != SHARED, "microseconds"].sum() == sum(
            spending.charged_microseconds(c) for c in cells if c.header.algorithm == name
        )
    assert (numbers["outcome"] == EXPLOITED).any()
