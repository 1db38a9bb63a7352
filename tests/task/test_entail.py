from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from entail_worlds import evaluate

from tuneoff.task.base import Task, TaskError
from tuneoff.task.entail import DEFAULT_SIZES, LABEL_NAMES, build, phenomenon_of
from tuneoff.task.entail.pairs import MAX_WORDS, MIN_WORDS, PHENOMENA
from tuneoff.task.entail.surface import hypothesis_only_accuracy, overlap_accuracy

ROOT = Path(__file__).resolve().parents[2]
MICRO = ROOT / "src/tuneoff/assets/micro"


@pytest.fixture(scope="module")
def task() -> Task:
    return build()


def rows(task: Task, name: str) -> list[tuple[str, str, int]]:
    split = task.splits[name]
    assert split.text_b is not None
    return list(zip(split.text_a, split.text_b, split.label.tolist(), strict=True))


def test_splits_have_the_sizes_asked_for(task: Task) -> None:
    assert {name: len(split) for name, split in task.splits.items()} == DEFAULT_SIZES
    assert task.label_names == LABEL_NAMES
    assert all(split.labelled for split in task.splits.values())


@pytest.mark.parametrize("name", ["train", "dev", "test"])
def test_labels_are_balanced_overall_and_within_each_phenomenon(task: Task, name: str) -> None:
    labels = task.splits[name].label
    assert abs(labels.mean() - 0.5) < 0.001
    for phenomenon in PHENOMENA:
        within = labels[[row for row in range(len(labels)) if phenomenon_of(row) == phenomenon]]
        assert len(within) >= len(labels) // len(PHENOMENA) - 2
        assert within.sum() * 2 == len(within)


def test_no_pair_occurs_twice_within_or_across_splits(task: Task) -> None:
    pairs = [(a, b) for name in task.splits for a, b, _ in rows(task, name)]
    assert len(set(pairs)) == len(pairs)
    assert all(a != b for a, b in pairs)


def test_sentences_are_short(task: Task) -> None:
    lengths = [len(s.split()) for name in task.splits for a, b, _ in rows(task, name) for s in (a, b)]
    assert min(lengths) >= MIN_WORDS
    assert max(lengths) <= MAX_WORDS
    assert 6 < np.mean(lengths) < 9


def test_the_same_seed_gives_the_same_pairs_on_any_machine(task: Task) -> None:
    assert rows(build(), "train") == rows(task, "train")
    assert rows(build(seed=3), "train") != rows(task, "train")
    text = "\n".join(f"{a}\t{b}\t{label}" for name in ("train", "dev", "test") for a, b, label in rows(task, name))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "82ca3d4e043ae9da"


def test_the_test_split_does_not_depend_on_the_size_of_the_others(task: Task) -> None:
    assert rows(build(train=10, dev=0), "test") == rows(task, "test")


@pytest.mark.parametrize(("name", "size"), [("train", 0), ("dev", -1)])
def test_a_size_that_cannot_be_names_itself(name: str, size: int) -> None:
    with pytest.raises(TaskError, match=f"{name} has {size} pairs"):
        build(**{name: size})


@pytest.mark.parametrize("phenomenon", list(PHENOMENA))
def test_labels_hold_in_random_worlds(task: Task, phenomenon: str) -> None:
    """Entailed: in no world is the premise true and the hypothesis false. Not entailed: in some world it is, and with
    every class that is named having members."""
    rng = np.random.Generator(np.random.PCG64(5))
    chosen = [row for i, row in enumerate(rows(task, "test")) if phenomenon_of(i) == phenomenon][:60]
    for premise, hypothesis, label in chosen:
        tested = 0
        for _ in range(100):
            p, h, nonempty = evaluate(rng, premise, hypothesis, 400)
            tested += int(p.sum())
            counterexamples = p & ~h if label else p & ~h & nonempty
            if (label and tested > 20) or counterexamples.any():
                break
        assert tested > 0, f"no world makes {premise!r} true"
        assert counterexamples.any() == (label == 0), f"{premise!r} / {hypothesis!r} is labelled {LABEL_NAMES[label]}"


def test_word_overlap_and_the_hypothesis_alone_fail(task: Task) -> None:
    assert overlap_accuracy(task.splits["train"], task.splits["test"]) < 0.62
    for ngrams in (1, 2):
        assert hypothesis_only_accuracy(task.splits["train"], task.splits["test"], ngrams=ngrams) < 0.57


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pretrain_micro", ROOT / "scripts/pretrain_micro.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_vocabulary_covers_the_grammar_and_spells_out_the_rest(task: Task, script: ModuleType) -> None:
    tokens = script.vocabulary()
    assert (MICRO / "vocab.txt").read_text(encoding="utf-8").split("\n")[:-1] == tokens
    words = {w for name in task.splits for a, b, _ in rows(task, name) for w in f"{a} {b}".split()}
    assert words <= set(tokens)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(MICRO)
    assert tokenizer.tokenize("Every poodle slept") == ["every", "poodle", "slept"]
    assert "[UNK]" not in tokenizer.tokenize("Quixotic zebras, 42 of them!")


def test_no_passage_of_the_pretraining_text_is_a_pair_of_the_task(task: Task, script: ModuleType) -> None:
    index = {token: i for i, token in enumerate(script.vocabulary())}
    ids, _ = script.passages(script.text_generator(1), 3000, index)
    words = list(index)
    seen = {tuple(" ".join(words[i] for i in row).replace(" [PAD]", "").split(" [SEP]")[:2]) for row in ids.tolist()}
    assert not seen & {(f"[CLS] {a}", f" {b}") for name in task.splits for a, b, _ in rows(task, name)}


def test_micro_is_small_and_loads_as_a_classifier(task: Task) -> None:
    assert sum(path.stat().st_size for path in MICRO.iterdir()) <= 3_000_000
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(MICRO, num_labels=2)
    assert next(model.parameters()).dtype == torch.float32
    split = task.splits["dev"]
    assert split.text_b is not None
    batch = AutoTokenizer.from_pretrained(MICRO)(
        list(split.text_a[:4]), list(split.text_b[:4]), padding=True, return_tensors="pt"
    )
    assert model(**batch).logits.shape == (4, 2)
