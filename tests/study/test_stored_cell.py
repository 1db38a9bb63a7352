"""What the results hold already decides whether a search may begin, go on, or is done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.report import synthetic
from tests.test_config import config
from tuneoff.errors import StudyError
from tuneoff.records.provenance import PROTOCOL_VERSION
from tuneoff.records.store import write_header
from tuneoff.study.stored_cell import finished


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
