"""What the results hold already decides whether a search may begin, go on, or is done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.report import synthetic
from tests.test_config import config
from tuneoff.errors import StudyError
from tuneoff.records.provenance import PROTOCOL_VERSION
from tuneoff.records.store import write_header
from tuneoff.study.stored_cell import finished, must_be_unchanged, must_fit_the_study


@pytest.fixture
def given(tmp_path):
    return config(f"results={tmp_path}", "study=s")


def put(given, *, repeat: int = 0, **changes) -> None:
    head = replace(synthetic.header(), config_hash=given.hash, config=given.raw, **changes)
    write_header(given.cell.with_name(f"repeat-{repeat}"), head)


def test_a_finished_search_is_done_and_an_unfinished_one_goes_on(given):
    assert not finished(given)
    put(given, status="running", protocol_version=PROTOCOL_VERSION)
    assert not finished(given)
    put(given, status="finished", protocol_version=PROTOCOL_VERSION + ".7")
    assert finished(given)


@pytest.mark.parametrize("repeat", [0, 1], ids=["itself", "another search of the study"])
def test_two_versions_of_the_protocol_are_never_mixed(given, repeat):
    put(given, repeat=repeat, status="running", protocol_version="0.0")
    with pytest.raises(StudyError, match=r"study=s was begun under protocol 0\.0, but this is protocol.*give study=NAME"):
        finished(given)


def test_a_finished_search_of_another_protocol_is_kept_without_a_word(given):
    put(given, status="finished", protocol_version="0.0")
    assert finished(given)


def test_another_configuration_in_its_place_is_refused(given):
    put(given, status="finished", protocol_version=PROTOCOL_VERSION)
    other = config(f"results={given.results}", "study=s", "seed=5")
    with pytest.raises(StudyError, match=r"seed was .* and is 5"):
        finished(other)


FACTS = {
    "source_rows": {"train": {"rows": 9, "sha256": "a"}},
    "split_sha256": "s",
    "parts": {"test": {"from": "test", "index": "0-8"}},
    "model_sha256": "m",
}


def test_the_setting_that_changed_is_blamed_and_not_one_that_does_not_count(given):
    put(given, status="finished", protocol_version=PROTOCOL_VERSION)
    other = config(f"results={given.results}", "study=s", "seed=5", "retrain=3", "energy=USA", "plugins=[json]", "view=quiet")
    with pytest.raises(StudyError, match=r"under another configuration \(seed was 2020 and is 5\)"):
        finished(other)


def test_a_finished_search_whose_data_changed_is_not_kept(given):
    put(given, status="finished", protocol_version=PROTOCOL_VERSION, data=FACTS)
    must_be_unchanged(given, FACTS)
    must_be_unchanged(given, {})
    with pytest.raises(StudyError, match=r"has changed since \(rows or labels\).*put the data back.*study=NAME, or delete"):
        must_be_unchanged(given, {**FACTS, "source_rows": {"train": {"rows": 9, "sha256": "b"}}})
    with pytest.raises(StudyError, match=r"changed since \(the split\)"):
        must_be_unchanged(given, {**FACTS, "split_sha256": "t"})


def test_hashes_of_another_protocol_are_not_compared(given):
    put(given, status="finished", protocol_version="0.0", data=FACTS)
    must_be_unchanged(given, {**FACTS, "split_sha256": "t"})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"source_rows": {"train": {"rows": 9, "sha256": "b"}}}, "with other task data"),
        ({"parts": {"test": {"from": "test", "index": "0-7"}}}, "with other test rows"),
        ({"parts": {"test": {"from": "train", "index": "0-8"}}}, "with other test rows"),
        ({"model_sha256": "n"}, "with other model weights"),
        ({"positive": "fraud"}, "with other task data"),
    ],
)
def test_a_study_has_one_task_one_test_set_and_one_model(given, change, says):
    put(given, repeat=1, status="running", data=FACTS, protocol=given.protocol.name)
    must_fit_the_study(given, FACTS, "accuracy")
    with pytest.raises(StudyError, match=f"study=s already has grid, repeat 0.*{says}.*put that back.*study=NAME"):
        must_fit_the_study(given, {**FACTS, **change}, "accuracy")


def test_the_setting_behind_other_data_is_named(given):
    put(given, repeat=1, status="finished", data=FACTS, protocol=given.protocol.name)
    other = config(f"results={given.results}", "study=s", "task.seed=4")
    changed = {**FACTS, "source_rows": {"train": {"rows": 9, "sha256": "b"}}}
    with pytest.raises(StudyError, match=r"other task data \(task\.seed was 20 and is 4\)"):
        must_fit_the_study(other, changed, "accuracy")
    with pytest.raises(StudyError, match=r"other task data \(what the settings name has changed since\)"):
        must_fit_the_study(given, changed, "accuracy")
    limited = config(f"results={given.results}", "study=s", "task.max_train_rows=100")
    with pytest.raises(StudyError, match=r"task\.max_train_rows was None and is 100"):
        must_fit_the_study(limited, FACTS, "accuracy")


def test_another_protocol_metric_or_study_and_the_cell_itself_have_data_of_their_own(given, tmp_path):
    changed = {**FACTS, "model_sha256": "n"}
    put(given, status="running", data=FACTS, protocol=given.protocol.name)
    must_fit_the_study(given, changed, "accuracy")
    put(given, repeat=1, status="finished", data=FACTS, protocol="blog2020")
    must_fit_the_study(given, changed, "accuracy")
    put(given, repeat=2, status="finished", data=FACTS, protocol=given.protocol.name)
    must_fit_the_study(given, changed, "f1")
    must_fit_the_study(config(f"results={given.results}", "study=t"), changed, "accuracy")


def test_what_a_header_does_not_know_is_not_compared(given):
    put(given, repeat=1, status="finished", data={"n_train": 4}, protocol=given.protocol.name)
    must_fit_the_study(given, FACTS, "accuracy")
    put(given, repeat=1, status="finished", data=FACTS, protocol=given.protocol.name)
    must_fit_the_study(given, {"n_train": 4}, "accuracy")
