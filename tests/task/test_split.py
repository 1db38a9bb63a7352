from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy import rows, task_of

from tuneoff.task import ProtocolSettings, Task, TaskError, TaskSettings, TextSplit, TrainLimit, load_task, make_splits
from tuneoff.task.facts import measure_overlap, ranges, summarise
from tuneoff.task.groups import apportion, draw_groups, group_rows
from tuneoff.task.split import hash_rows, select


def heldout(**settings: Any) -> ProtocolSettings:
    return ProtocolSettings(name="heldout", **settings)


BLOG = ProtocolSettings(name="blog2020")


def grouped(sizes: list[list[int]]) -> TextSplit:
    """One premise per group; sizes[g][k] rows of label k."""
    labels = [k for group in sizes for k, count in enumerate(group) for _ in range(count)]
    premises = [f"premise {g}" for g, group in enumerate(sizes) for _ in range(sum(group))]
    return rows(premises, labels, [f"hypothesis {i}" for i in range(len(labels))])


def singles(n: int, labels: int = 2) -> TextSplit:
    return rows([f"a{i}" for i in range(n)], [i % labels for i in range(n)], [f"b{i}" for i in range(n)])


@st.composite
def group_sizes(draw: st.DrawFn) -> list[list[int]]:
    """Groups of up to 12 rows with 2 to 4 labels, and enough single rows to settle what they leave over."""
    labels = draw(st.integers(2, 4))
    multi = draw(st.lists(st.lists(st.integers(0, 4), min_size=labels, max_size=labels).filter(any), max_size=25))
    alone = [[int(k == j) for k in range(labels)] for j in range(labels)] * draw(st.integers(60, 120))
    return draw(st.permutations([*multi, *alone[:20]])) + alone[20:]


@settings(deadline=None, max_examples=60)
@given(sizes=group_sizes(), fraction=st.floats(0.1, 0.4), seed=st.integers(0, 2**32 - 1))
def test_a_heldout_cut_is_disjoint_complete_grouped_stratified_and_repeatable(
    sizes: list[list[int]], fraction: float, seed: int
) -> None:
    train = grouped(sizes)
    task = task_of(len(sizes[0]), train=train, test=singles(10, len(sizes[0])))
    splits = make_splits(task, heldout(validation_fraction=fraction), seed)
    inside, outside = splits.validation, splits.train
    assert sorted([*inside.index, *outside.index]) == list(range(len(train)))
    assert not set(inside.rows.text_a) & set(outside.rows.text_a)
    wanted = round(fraction * len(train))
    assert len(inside) == wanted
    counts, whole = np.bincount(inside.rows.label, minlength=len(sizes[0])), np.bincount(train.label)
    assert np.abs(counts - whole * wanted / len(train)).max() <= 1
    assert make_splits(task, heldout(validation_fraction=fraction), seed).hash == splits.hash


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), min_size=1, max_size=40))
def test_sentence_groups_are_the_connected_components(pairs: list[tuple[int, int]]) -> None:
    group = group_rows(rows([f"s{a}" for a, _ in pairs], [0] * len(pairs), [f"s{b}" for _, b in pairs]), "sentence")
    reached = list(range(len(pairs)))
    for _ in pairs:  # naive closure: pass the smallest row number on until nothing changes
        for i, left in enumerate(pairs):
            for j, right in enumerate(pairs):
                if set(left) & set(right):
                    reached[i] = reached[j] = min(reached[i], reached[j])
    order = {first: number for number, first in enumerate(dict.fromkeys(reached))}
    assert group.tolist() == [order[r] for r in reached]


@settings(deadline=None)
@given(st.lists(st.integers(0, 1000), min_size=1, max_size=6).filter(any), st.floats(0, 1))
def test_rows_are_apportioned_without_remainder(total: list[int], share: float) -> None:
    wanted = round(share * sum(total))
    parts = apportion(np.array(total, dtype=float), wanted)
    assert parts.sum() == wanted
    assert np.abs(parts - np.array(total) * wanted / sum(total)).max() < 1


def test_groups_of_every_size_are_drawn_at_about_the_same_rate() -> None:
    train = grouped([[2, 1]] * 40 + [[1, 1]] * 40 + [[1, 0], [0, 1]] * 200)
    group = group_rows(train, "sentence")
    sizes = np.bincount(group)[group]
    rate = np.mean([draw_groups(train.label, group, 120, np.random.default_rng(i)) for i in range(60)], axis=0)
    for size in (1, 2, 3):
        assert rate[sizes == size].mean() == pytest.approx(0.2, abs=0.03)
    assert 0.02 < rate.min() <= rate.max() < 0.5


def test_group_by_chooses_what_stays_together() -> None:
    pairs = rows(["a", "a", "x", "a"], [0, 0, 0, 0], ["p", "q", "q", "p"])
    assert {by: group_rows(pairs, by).tolist() for by in ("sentence", "text_a", "text_b", "pair", "row")} == {
        "sentence": [0, 0, 0, 0],
        "text_a": [0, 0, 1, 0],
        "text_b": [0, 1, 1, 0],
        "pair": [0, 1, 2, 0],
        "row": [0, 1, 2, 3],
    }
    assert group_rows(rows(["a", "b", "a"], [0, 0, 0]), "sentence").tolist() == [0, 1, 0]


def test_seeds_change_validation_but_not_test() -> None:
    task = task_of(train=singles(300))
    first, second = (make_splits(task, heldout(), seed) for seed in (1, 2))
    assert first.validation.index.tolist() != second.validation.index.tolist()
    assert first.test.index.tolist() == second.test.index.tolist()
    assert first.hash != second.hash
    assert make_splits(task, heldout(test_seed=1), 1).test.index.tolist() != first.test.index.tolist()
    assert [len(part) for part in first.parts.values()] == [204, 36, 60]
    assert sorted(np.concatenate([part.index for part in first.parts.values()])) == list(range(300))
    assert "test = 60 rows cut from train (test_seed 0, same in every repeat)" in first.description


def test_validation_and_test_rows_win_over_fractions() -> None:
    splits = make_splits(task_of(train=singles(300)), heldout(validation_rows=50, test_rows=30), 0)
    assert [len(part) for part in splits.parts.values()] == [220, 50, 30]


def test_the_validation_fraction_is_of_what_the_test_cut_left() -> None:
    """1000 rows: a fifth is test (200), 15 % of the other 800 is validation (120, not 150)."""
    splits = make_splits(task_of(train=singles(1000)), heldout(), 0)
    assert [len(part) for part in splits.parts.values()] == [680, 120, 200]
    dropped = make_splits(
        task_of(train=singles(1000), test=select(singles(1000), np.arange(100))), heldout(drop_test_overlap=True), 0
    )
    assert [len(part) for part in dropped.parts.values()] == [765, 135, 100]  # 15 % of 900


@pytest.mark.parametrize(
    ("counts", "wanted", "expected"),
    [
        ((60, 40), 20, [12, 8]),
        ((67, 33), 15, [10, 5]),  # 10.05 and 4.95
        ((50, 30, 20), 33, [16, 10, 7]),  # 16.5, 9.9, 6.6: the largest remainders get the two rows left over
        ((61, 39), 25, [15, 10]),  # 15.25, 9.75
        ((10, 90), 5, [1, 4]),  # 0.5, 4.5: of equal remainders the first label's
    ],
)
def test_a_cut_has_each_labels_share_to_the_row(counts: tuple[int, ...], wanted: int, expected: list[int]) -> None:
    labels = [k for k, n in enumerate(counts) for _ in range(n)]
    train = rows([f"t{i}" for i in range(100)], labels)
    for seed in range(5):
        splits = make_splits(
            task_of(len(counts), train=train, test=singles(10, len(counts))), heldout(validation_rows=wanted), seed
        )
        assert np.bincount(splits.validation.rows.label).tolist() == expected


@pytest.mark.parametrize("cut", ["validation", "test"])
def test_no_group_is_on_two_sides_of_a_cut(cut: str) -> None:
    """Chains: row i shares a sentence with row i + 1, in the other column; only the transitive closure is one group."""
    chains = [[f"c{c} s{k}" for k in range(5)] for c in range(60)]
    pairs = [(chain[k], chain[k + 1]) for chain in chains for k in range(4)]
    train = rows([a for a, _ in pairs], [i % 2 for i in range(len(pairs))], [b for _, b in pairs])
    others = {"test": singles(20)} if cut == "validation" else {}
    for seed in range(5):
        splits = make_splits(task_of(train=train, **others), heldout(test_seed=seed), seed)
        sides = [
            set(splits.parts[name].index // 4)
            for name in ("train", "validation", "test")
            if splits.parts[name].source == "train"
        ]
        assert sum(map(len, sides)) == len(set().union(*sides)) == 60


@settings(deadline=None, max_examples=40)
@given(sizes=group_sizes(), limit=st.integers(10, 60), seed=st.integers(0, 1000))
def test_the_three_parts_are_disjoint_under_every_limit(sizes: list[list[int]], limit: int, seed: int) -> None:
    task = replace(task_of(len(sizes[0]), train=grouped(sizes)), train_limit=TrainLimit(rows=limit, seed=seed))
    splits = make_splits(task, heldout(), seed)
    index = np.concatenate([part.index for part in splits.parts.values()])
    assert len(index) == len(set(index.tolist()))
    texts = [set(part.rows.text_a) for part in splits.parts.values()]
    assert sum(map(len, texts)) == len(set().union(*texts))
    pool = np.delete(task.splits["train"].label, np.concatenate([splits.validation.index, splits.test.index]))
    wanted = min(limit, len(pool))
    assert len(splits.train) == wanted
    exact = np.bincount(pool, minlength=len(sizes[0])) * wanted / len(pool)
    assert np.abs(np.bincount(splits.train.rows.label, minlength=len(sizes[0])) - exact).max() < 1


def test_test_is_the_labelled_test_else_dev_else_a_cut() -> None:
    train, dev, test = singles(100), singles(20), singles(30)
    hidden = replace(test, label=np.full(30, -1))
    sources: dict[str, tuple[Task, ProtocolSettings]] = {
        "test": (task_of(train=train, dev=dev, test=test), heldout()),
        "dev": (task_of(train=train, dev=dev, test=hidden), heldout()),
        "train": (task_of(train=train, test=hidden), heldout()),
    }
    for source, (task, protocol) in sources.items():
        assert make_splits(task, protocol, 0).test.source == source
    assert "the test labels are hidden" in make_splits(*sources["dev"], 0).description
    assert "dev unused (20 rows" in make_splits(*sources["test"], 0).description


def test_validation_from_dev_leaves_train_whole() -> None:
    task = task_of(train=singles(100), dev=singles(20), test=singles(30))
    splits = make_splits(task, heldout(validation_from="dev"), 0)
    assert [(p.source, len(p)) for p in splits.parts.values()] == [("train", 100), ("dev", 20), ("test", 30)]
    splits = make_splits(task_of(train=singles(100), dev=singles(20)), heldout(validation_from="dev"), 0)
    assert [(p.source, len(p)) for p in splits.parts.values()] == [("train", 80), ("dev", 20), ("train", 20)]
    with pytest.raises(TaskError, match="'dev', but task toy has no labelled dev split"):
        make_splits(task_of(train=singles(100)), heldout(validation_from="dev"), 0)


def test_drop_test_overlap_removes_rows_that_share_a_sentence_with_test() -> None:
    train = singles(200)
    test = rows([train.text_a[0], "new"], [0, 1], ["other", train.text_a[5]])
    kept = make_splits(task_of(train=train, test=test), heldout(), 0)
    assert len(kept.train) + len(kept.validation) == 200
    dropped = make_splits(task_of(train=train, test=test), heldout(drop_test_overlap=True), 0)
    assert set(range(200)) - set(dropped.train.index) - set(dropped.validation.index) == {0, 5}
    assert "2 rows of train dropped that share a sentence with test" in dropped.description


def test_blog2020_halves_dev_in_order_whatever_the_seed() -> None:
    task = task_of(train=singles(30), dev=singles(7), test=singles(9))
    splits = make_splits(task, BLOG, 3)
    assert splits.validation.index.tolist() == [0, 1, 2]
    assert splits.test.index.tolist() == [3, 4, 5, 6]
    assert len(splits.train) == 30
    assert splits.hash == make_splits(task, BLOG, 4).hash


@pytest.mark.parametrize("dev", [{}, {"dev": replace(singles(9), label=np.full(9, -1))}])
def test_blog2020_needs_a_labelled_dev(dev: dict[str, TextSplit]) -> None:
    with pytest.raises(TaskError, match="protocol=blog2020 halves the labelled dev split, but task toy has none"):
        make_splits(task_of(train=singles(30), **dev), BLOG, 0)


def one_premise() -> TextSplit:
    return rows(["same"] * 100, [i % 2 for i in range(100)], [f"b{i}" for i in range(100)])


@pytest.mark.parametrize(
    ("train", "protocol", "message"),
    [
        (
            one_premise,
            heldout(),
            r"protocol.test_fraction is 0.2 \(20 of 100 rows\), but the nearest cut has 0 rows.* the "
            "largest such group has 100 rows: use a weaker protocol.group_by",
        ),
        (lambda: grouped([[300, 300], *[[1, 0]] * 40, *[[0, 1]] * 40]), heldout(), "the nearest cut has 80 rows"),
        (lambda: grouped([[200, 0], [0, 200], *[[1, 0]] * 100]), heldout(), "label 'label[01]' would be|nearest cut"),
        (lambda: singles(100), heldout(test_rows=100), "protocol.test_rows is 100, but there are only 100 rows"),
        (lambda: grouped([[1, 0]] * 50 + [[0, 2]]), heldout(test_rows=5), "one label only|no row of label"),
    ],
)
def test_rows_that_cannot_be_cut_are_an_error_with_remedies(
    train: Callable[[], TextSplit], protocol: ProtocolSettings, message: str
) -> None:
    with pytest.raises(TaskError, match=message):
        make_splits(task_of(train=train()), protocol, 0)


def test_the_remedy_for_one_giant_group_works() -> None:
    splits = make_splits(task_of(train=one_premise()), heldout(group_by="pair"), 0)
    assert [len(part) for part in splits.parts.values()] == [68, 12, 20]


def test_a_label_too_rare_to_share_stays_in_train() -> None:
    train = rows([f"a{i}" for i in range(101)], [*([0, 1] * 50), 2])
    splits = make_splits(task_of(3, train=train), heldout(), 0)
    assert 2 in splits.train.rows.label


def test_hashes_see_texts_columns_and_labels() -> None:
    base = rows(["a", "bc"], [0, 1], ["x", "y"])
    others = [
        rows(["ab", "c"], [0, 1], ["x", "y"]),
        rows(["a", "bc"], [1, 0], ["x", "y"]),
        rows(["a", "bc"], [0, 1]),
        rows(["x", "y"], [0, 1], ["a", "bc"]),
        rows(["a"], [0], ["x"]),
    ]
    assert len({hash_rows(split) for split in [base, *others]}) == 6
    assert hash_rows(base) == "052674b96533886cc56e28f2f6dda8e0e2bdf15fd0c4a43a1876c2696587a0c3"


def test_index_arrays_are_read_only() -> None:
    splits = make_splits(task_of(train=singles(100)), heldout(), 0)
    with pytest.raises(ValueError, match="read-only"):
        splits.train.index[0] = 5


LIMIT = TrainLimit(rows=40, seed=3)


def own_splits(**named: int) -> dict[str, TextSplit]:
    return {name: singles(n) for name, n in named.items()}


@pytest.mark.parametrize(
    ("splits", "protocol"),
    [
        (own_splits(train=300, dev=20, test=30), heldout()),
        (own_splits(train=300), heldout()),
        (own_splits(train=300, dev=20), heldout(validation_from="dev")),
        (own_splits(train=300, test=30), heldout(drop_test_overlap=True, group_by="row")),
        (own_splits(train=300, dev=20), BLOG),
    ],
)
def test_max_train_rows_takes_rows_from_training_and_leaves_validation_and_test(
    splits: dict[str, TextSplit], protocol: ProtocolSettings
) -> None:
    for seed in range(3):
        whole = make_splits(task_of(**splits), protocol, seed)
        cut = make_splits(replace(task_of(**splits), train_limit=LIMIT), protocol, seed)
        assert (cut.validation.index.tolist(), cut.test.index.tolist()) == (
            whole.validation.index.tolist(),
            whole.test.index.tolist(),
        )
        assert len(cut.train) == 40
        assert set(cut.train.index) < set(whole.train.index)
        assert cut.train.index.tolist() == sorted(cut.train.index)
        assert cut.train.rows.text_a == tuple(splits["train"].text_a[i] for i in cut.train.index)
        assert abs(int(cut.train.rows.label.sum()) - 20) <= 1
        assert f"train = 40 of {len(whole.train)} rows (task.max_train_rows, seed 3, stratified)" in cut.description
        assert cut.hash != whole.hash


def test_a_limit_that_is_not_reached_changes_nothing() -> None:
    task = task_of(train=singles(300))
    assert (
        make_splits(replace(task, train_limit=TrainLimit(rows=204, seed=1)), heldout(), 0).hash
        == make_splits(task, heldout(), 0).hash
    )


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [
        (heldout(), "395ac42af618f7f1bd89c6aa4defb3541a6eb7816b2c609a023fb5844ed0de4a"),
        (BLOG, "25c9208037c34798f57eedeedcd7b2d594c18b4f27a2f7f57df462449a581897"),
        (heldout(validation_from="dev"), "f8187ac15a4979ad59cac2d31ebe88f6ed0361e55d39f81cffd14cb9574f07a5"),
    ],
)
def test_the_built_in_tasks_splits_are_those_of_protocol_0_2(protocol: ProtocolSettings, expected: str) -> None:
    assert make_splits(load_task(TaskSettings.from_dict({"kind": "entail"})), protocol, 7).hash == expected


def test_the_limited_rows_depend_on_the_tasks_seed() -> None:
    one, two, again = (
        make_splits(replace(task_of(train=singles(300), dev=singles(20)), train_limit=replace(LIMIT, seed=s)), BLOG, 0)
        for s in (1, 2, 1)
    )
    assert one.train.index.tolist() == again.train.index.tolist() != two.train.index.tolist()


def test_a_limit_that_loses_a_label_is_an_error() -> None:
    train = rows([f"a{i}" for i in range(401)], [*([0, 1] * 200), 2])
    with pytest.raises(TaskError, match=r"task.max_train_rows is 10, but that leaves no train row with the label 'label2'"):
        make_splits(replace(task_of(3, train=train), train_limit=TrainLimit(rows=10, seed=0)), heldout(), 0)


def test_row_numbers_count_the_rows_of_the_file_whatever_was_cut_before(tmp_path: Any) -> None:
    """Nothing renumbers: not the limit, not the test cut, not a blank line at the end, not a line break inside a field."""
    lines = [f'"text {i}\nmore",{i % 2}' for i in range(200)]
    (tmp_path / "t.csv").write_text("text,label\n" + "\n".join(lines) + "\n\n")
    given = {"kind": "csv", "train_file": str(tmp_path / "t.csv"), "text_a": "text", "label": "label", "max_train_rows": 50}
    task = load_task(TaskSettings.from_dict(given))
    splits = make_splits(task, heldout(), 0)
    assert (len(task.splits["train"]), len(splits.train)) == (200, 50)
    for part in splits.parts.values():
        assert part.rows.text_a == tuple(f"text {i}\nmore" for i in part.index)
    listed = summarise(task, splits)["parts"]["train"]["index"].split()
    assert sum(int(run.split("-")[-1]) - int(run.split("-")[0]) + 1 for run in listed) == 50


@pytest.mark.real
@pytest.mark.parametrize(("name", "sizes"), [("rte", (2116, 374, 277)), ("mrpc", (3118, 550, 1725))])
def test_real_heldout_sizes_shares_and_separation(name: str, sizes: tuple[int, ...], request: pytest.FixtureRequest) -> None:
    task: Task = request.getfixturevalue(name)
    hashes = set()
    for seed in range(5):
        splits = make_splits(task, heldout(), seed)
        assert tuple(len(part) for part in splits.parts.values()) == sizes
        assert abs(splits.validation.rows.label.mean() - task.splits["train"].label.mean()) < 0.002
        assert measure_overlap(splits.validation.rows, splits.train.rows).rows == 0
        hashes.add(splits.hash)
    assert len(hashes) == 5


@pytest.mark.real
def test_real_rte_under_blog2020_has_the_published_138_and_139_rows(rte: Task) -> None:
    splits = make_splits(rte, BLOG, 0)
    assert [(p.source, len(p)) for p in splits.parts.values()] == [("train", 2490), ("dev", 138), ("dev", 139)]


@pytest.mark.real
def test_real_rte_keeps_its_validation_under_max_train_rows(rte: Task) -> None:
    whole = make_splits(rte, heldout(), 0)
    cut = make_splits(replace(rte, train_limit=TrainLimit(rows=400, seed=0)), heldout(), 0)
    assert [len(part) for part in cut.parts.values()] == [400, 374, 277]
    assert cut.validation.index.tolist() == whole.validation.index.tolist()
    assert measure_overlap(cut.validation.rows, cut.train.rows).rows == 0


def test_row_numbers_are_written_in_short() -> None:
    assert ranges(np.array([0, 1, 2, 7, 9, 10])) == "0-2 7 9-10"
    assert ranges(np.array([], dtype=np.int64)) == ""


def test_the_summary_for_the_header_is_plain_json() -> None:
    import json

    task = task_of(train=singles(100), dev=singles(20))
    splits = make_splits(task, heldout(), 0)
    summary = json.loads(json.dumps(summarise(task, splits)))
    assert summary["parts"]["validation"] == {
        "from": "train",
        "rows": 15,
        "majority_rate": pytest.approx(8 / 15),
        "index": ranges(splits.validation.index),
        "label_counts": [8, 7],
        "constant_scores": {"accuracy": pytest.approx(8 / 15)},
    }
    assert summary["source_rows"]["dev"]["rows"] == 20
    assert len(summary["split_sha256"]) == 64
