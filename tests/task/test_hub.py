from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import huggingface_hub
import numpy as np
import pytest

from tuneoff.task import TaskError, TaskSettings, load_task
from tuneoff.task.sources.glue_formats import FORMATS
from tuneoff.task.sources.hub import REPOSITORY, probe

RTE = TaskSettings.from_dict({"kind": "rte"})


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def hub_rows(names: tuple[str, ...] = ("entailment", "not_entailment")) -> datasets.DatasetDict:
    features = datasets.Features(
        {
            "sentence1": datasets.Value("string"),
            "sentence2": datasets.Value("string"),
            "label": datasets.ClassLabel(names=list(names)),
            "idx": datasets.Value("int32"),
        }
    )

    def split(label: int) -> datasets.Dataset:
        return datasets.Dataset.from_dict(
            {"sentence1": ["NA", "b"], "sentence2": ["c", "d"], "label": [label, label], "idx": [0, 1]}, features=features
        )

    return datasets.DatasetDict(train=split(1), validation=split(0), test=split(-1))


def test_an_unreachable_hub_fails_within_seconds_and_names_the_offline_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    before = time.perf_counter()
    with pytest.raises(TaskError, match=r"can't be reached .*task.files=DIR .*task=csv .*task=entail"):
        load_task(RTE)
    assert time.perf_counter() - before < 8
    assert huggingface_hub.constants.HF_HUB_OFFLINE is False


def test_a_hub_that_never_answers_is_given_up_on(silent_server: str) -> None:
    before = time.perf_counter()
    assert probe(silent_server, seconds=0.3) is not None
    assert time.perf_counter() - before < 2


def test_offline_mode_is_respected_without_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("tuneoff.task.sources.hub.probe", lambda *_: pytest.fail("asked the network"))
    with pytest.raises(TaskError, match="HF_HUB_OFFLINE or HF_DATASETS_OFFLINE is set"):
        load_task(RTE)


def test_a_reachable_hub_is_loaded_from_under_the_documented_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, bool]] = []

    def fake(repository: str, name: str) -> Any:
        asked.append((repository, name, huggingface_hub.constants.HF_HUB_OFFLINE))
        if huggingface_hub.constants.HF_HUB_OFFLINE:
            raise ConnectionError("offline")
        return hub_rows()

    monkeypatch.setattr(datasets, "load_dataset", fake)
    monkeypatch.setattr("tuneoff.task.sources.hub.probe", lambda *_: None)
    task = load_task(RTE)
    assert asked == [(REPOSITORY, "rte", True), (REPOSITORY, "rte", False)]
    assert task.splits["train"].text_a == ("NA", "b")
    assert task.splits["train"].label.tolist() == [1, 1]
    assert task.splits["dev"].label.tolist() == [0, 0]
    assert not task.splits["test"].labelled
    assert task.splits["train"].label.dtype == np.int64


def write_cache(cache: Path, loaded: datasets.DatasetDict) -> None:
    """As `datasets` leaves it after a download."""
    from datasets.arrow_writer import ArrowWriter

    folder = cache / "nyu-mll___glue" / "rte" / "0.0.0" / "0123456789abcdef"
    folder.mkdir(parents=True)
    sizes = datasets.SplitDict(dataset_name="glue")
    for name, split in loaded.items():
        with ArrowWriter(path=str(folder / f"glue-{name}.arrow"), features=split.features) as writer:
            for row in split.to_list():
                writer.write(row)
            writer.finalize()
        sizes.add(datasets.SplitInfo(name=name, num_examples=len(split), dataset_name="glue"))
    datasets.DatasetInfo(
        builder_name="parquet", dataset_name="glue", config_name="rte", splits=sizes, features=loaded["train"].features
    ).write_to_directory(str(folder))


def test_what_datasets_has_cached_is_used_without_a_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cache(tmp_path / "cache", hub_rows())
    monkeypatch.setattr("tuneoff.task.sources.hub.probe", lambda *_: pytest.fail("asked the network"))
    task = load_task(RTE)
    assert task.source == f"hub {REPOSITORY}/rte, local cache"
    assert [len(rows) for rows in task.splits.values()] == [2, 2, 2]
    assert task.splits["train"].text_a == ("NA", "b")


def test_another_task_in_the_cache_is_not_taken_for_the_one_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cache(tmp_path / "cache", hub_rows())
    monkeypatch.setattr("tuneoff.task.sources.hub.probe", lambda *_: "no route")
    with pytest.raises(TaskError, match=r"can't be reached .no route. and the data is not in the local cache"):
        load_task(TaskSettings.from_dict({"kind": "mrpc"}))


def test_a_cached_task_needs_no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "load_dataset", lambda *_: hub_rows())
    monkeypatch.setattr("tuneoff.task.sources.hub.probe", lambda *_: pytest.fail("asked the network"))
    assert load_task(RTE).source == f"hub {REPOSITORY}/rte, local cache"


def test_a_failing_download_is_an_error_with_its_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    def fake(*_: str) -> Any:
        raise OSError("disk full")

    monkeypatch.setattr(datasets, "load_dataset", fake)
    monkeypatch.setattr("tuneoff.task.sources.hub.probe", lambda *_: None)
    with pytest.raises(TaskError, match="OSError: disk full"):
        load_task(RTE)


def test_labels_in_another_order_than_expected_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "load_dataset", lambda *_: hub_rows(("not_entailment", "entailment")))
    with pytest.raises(TaskError, match="the data on the hub has changed"):
        load_task(RTE)


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_every_task_is_read_from_the_hubs_configuration_splits_and_columns(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layout, asked = FORMATS[kind], []

    def fake(repository: str, name: str) -> Any:
        asked.append(name)
        return as_published(kind)

    monkeypatch.setattr(datasets, "load_dataset", fake)
    task = load_task(TaskSettings.from_dict({"kind": kind}))
    assert asked == ["mnli" if kind == "mnli_mismatched" else kind]
    assert [len(rows) for rows in task.splits.values()] == [3 - layout.incomplete_rows] * 3
    assert (task.splits["train"].text_a[0], task.splits["train"].text_b is None) == ("train NA", layout.text_b is None)
    assert [rows.labelled for rows in task.splits.values()] == [True, True, False]
    assert task.splits["dev"].text_a[0] == f"{layout.hub_dev} NA"
    assert task.splits["train"].label.dtype == (np.float64 if kind == "stsb" else np.int64)
    assert ("rows that lack a text left out: 1 of train, 1 of dev, 1 of test" in task.source) == (kind == "qqp")


def as_published(kind: str) -> datasets.DatasetDict:
    """Three rows a split, under the hub's names; the last lacks its second text, where QQP has such rows."""
    layout = FORMATS[kind]
    label = datasets.ClassLabel(names=list(layout.label_names)) if layout.label_names else datasets.Value("float32")
    columns = [name for name in (layout.hub_text_a, layout.hub_text_b) if name is not None]
    features = datasets.Features({**{name: datasets.Value("string") for name in columns}, "label": label})

    def split(name: str) -> datasets.Dataset:
        hidden = name.startswith("test")
        texts = [f"{name} NA", f"{name} b", "" if layout.incomplete_rows else "c"]
        return datasets.Dataset.from_dict(
            {**dict.fromkeys(columns, texts), "label": [-1] * 3 if hidden else [0, 1, 1]}, features
        )

    names = ("train", *(f"{name}_{domain}" for name in ("validation", "test") for domain in ("matched", "mismatched")))
    return datasets.DatasetDict({name: split(name) for name in (names if "mnli" in kind else ("train", "validation", "test"))})


def test_columns_other_than_the_published_ones_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "load_dataset", lambda *_: hub_rows())
    with pytest.raises(
        TaskError, match=r"the split train of .* must have the columns question, sentence, label, but its columns are"
    ):
        load_task(TaskSettings.from_dict({"kind": "qnli"}))
    with pytest.raises(TaskError, match=r"the split train of .* must have the columns premise, hypothesis, label"):
        load_task(TaskSettings.from_dict({"kind": "mnli"}))
