"""What a header says about the data that a search trained on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.test_config import config
from tuneoff.seeds import derive
from tuneoff.training.protocol import Request

SMALL = ("task.train_rows=40", "task.dev_rows=20", "task.test_rows=20")


def facts_of(*overrides: str) -> Mapping[str, Any]:
    given = config(*overrides)
    request = Request(
        task=given.task,
        protocol=given.protocol,
        model=given.model,
        training=given.training,
        hparams=given.hparams,
        space=given.space,
        seeds=derive(given.seed, given.repeat),
        device="cpu",
    )
    return given.engine.make().prepare(request).facts


def test_the_facts_say_what_to_be_careful_about(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("text,label\n" + "".join(f"{'a long review ' * (8 * (i % 2))}{i},{i % 2}\n" for i in range(80)))
    facts = facts_of("task=csv", f"task.train_file={table}", "task.text_a=text", "task.label=label", "task.name=mine")
    truncated, foreign = facts["cautions"]
    assert facts["truncated_rows"]["train"] == facts["parts"]["train"]["label_counts"][1] == 27
    assert truncated.startswith("truncated: 50 % of train (27 of 54 rows)")
    assert "on task mine choose model=minilm" in foreign


def test_the_built_in_task_needs_no_care() -> None:
    assert facts_of(*SMALL)["cautions"] == []


def test_max_train_rows_leaves_validation_and_test_tokens_as_they_are() -> None:
    whole, cut = facts_of(*SMALL), facts_of(*SMALL, "task.max_train_rows=10")
    assert (whole["n_train"], cut["n_train"]) == (34, 10)
    for part in ("validation", "test"):
        assert whole["encoded_sha256"][part] == cut["encoded_sha256"][part]
