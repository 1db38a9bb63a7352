from __future__ import annotations

from typing import Any

import pytest

from tuneoff.task.cautions import cautions, recorded_cautions, truncations


def facts(truncated: tuple[int, int, int] = (0, 0, 0), **changes: Any) -> dict[str, Any]:
    names = ("train", "validation", "test")
    return {
        "name": "wnli",
        "built_in": False,
        "model_source": "minilm",
        "max_length": 64,
        "parts": dict(zip(names, ({"rows": 200}, {"rows": 40}, {"rows": 60}), strict=True)),
        "truncated_rows": dict(zip(names, truncated, strict=True)),
        **changes,
    }


@pytest.mark.parametrize("truncated", [(0, 0, 0), (10, 2, 3), (0, 0, 3)])
def test_up_to_a_twentieth_of_every_part_may_be_truncated_silently(truncated: tuple[int, int, int]) -> None:
    assert cautions(facts(truncated)) == ()


@pytest.mark.parametrize(
    ("truncated", "part"), [((11, 0, 0), "6 % of train"), ((0, 3, 0), "8 % of validation"), ((0, 0, 4), "7 % of test")]
)
def test_more_than_a_twentieth_of_any_part_is_said(truncated: tuple[int, int, int], part: str) -> None:
    (sentence,) = cautions(facts(truncated))
    assert sentence.startswith(f"truncated: {part} (")
    assert "model.max_length=64 word pieces" in sentence
    assert "raise model.max_length" in sentence


def test_all_parts_that_lose_something_are_listed_with_their_counts() -> None:
    assert "87 % of train (174 of 200 rows), 2 % of validation (1 of 40 rows) are longer" in cautions(facts((174, 1, 0)))[0]
    assert next((t.part, t.truncated, t.rows, t.share) for t in truncations(facts((174, 1, 0)))) == ("train", 174, 200, 0.87)


def test_the_built_in_model_on_other_text_than_its_own_names_others_to_choose() -> None:
    (sentence,) = cautions(facts(model_source="micro"))
    assert "model=micro has learnt from the sentences of task=entail alone" in sentence
    assert "on task wnli choose model=minilm" in sentence
    assert cautions(facts(model_source="micro", built_in=True)) == ()


def test_headers_of_before_these_facts_have_no_cautions() -> None:
    assert cautions({"n_train": 5, "name": "x", "model_source": "micro"}) == ()


def test_recorded_cautions_are_the_headers_own_or_made_from_its_facts() -> None:
    assert recorded_cautions({"cautions": ["of another engine"]}) == ("of another engine",)
    assert recorded_cautions({**facts((174, 1, 0)), "cautions": []}) == ()
    assert recorded_cautions(facts((174, 1, 0))) == cautions(facts((174, 1, 0)))


def labelled(*counts: tuple[int, ...]) -> dict[str, Any]:
    parts = {
        part: {"rows": 20, "label_counts": list(n)} for part, n in zip(("train", "validation", "test"), counts, strict=True)
    }
    return facts(kind="classification", labels=["praise", "question", "spam"], parts=parts)


def test_labels_that_a_part_lacks_are_said_with_their_rows_in_train() -> None:
    assert cautions(labelled((10, 9, 1), (10, 9, 1), (10, 9, 1))) == ()
    (sentence,) = cautions(labelled((10, 9, 1), (10, 10, 0), (11, 9, 0)))
    assert sentence.startswith("rare labels: 'spam' (1 row in train, none in validation and test) count for little or nothing")
    (sentence,) = cautions(labelled((10, 2, 8), (10, 0, 10), (10, 5, 5)))
    assert "'question' (2 rows in train, none in validation)" in sentence


def test_of_many_missing_labels_some_are_named_and_the_rest_counted() -> None:
    given = labelled((4, 4, 4), (20, 0, 0), (20, 0, 0))
    given["labels"] = [f"label-{n}" for n in range(6)]
    for part in given["parts"].values():
        part["label_counts"] = [20, 0, 0, 0, 0, 0]
    assert "'label-3' (0 rows in train, none in train and validation and test) and 2 more" in cautions(given)[0]
