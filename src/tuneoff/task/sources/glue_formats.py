"""How GLUE's tasks look in their own files and on the Hugging Face hub: data alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class GlueFormat:
    """One task. Columns and labels as in the files; label_names as on the hub, in the same order.

    text_b: None for single sentences. folder: of the task in GLUE's own archive.
    """

    folder: str
    label_names: tuple[str, ...]
    metrics: tuple[str, ...]
    """GLUE's own. The first is what searches maximise."""
    labels_in_files: tuple[str, ...] = ("0", "1")
    text_a: str = "sentence1"
    text_b: str | None = "sentence2"
    label: str = "label"
    header: tuple[str, ...] = ()
    """The columns of train and dev where their files have no header line."""
    dev_file: str = "dev.tsv"
    test_files: tuple[str, ...] = ("test.tsv",)
    """The first that exists is read."""
    incomplete_rows: bool = False
    """Whether the files are known to have rows that lack a text: those are left out, and counted."""
    kind: str = "classification"
    limits: tuple[float, float] = (0.0, 0.0)
    """The lowest and highest number, of a task of numbers."""
    positive: int | None = 1
    hub_name: str = ""
    """"": the task's own."""
    hub_text_a: str = "sentence1"
    hub_text_b: str | None = "sentence2"
    hub_dev: str = "validation"
    hub_test: str = "test"


def _mnli(domain: str) -> GlueFormat:
    return GlueFormat(
        folder="MNLI",
        label_names=("entailment", "neutral", "contradiction"),
        labels_in_files=("entailment", "neutral", "contradiction"),
        label="gold_label",
        metrics=("accuracy",),
        positive=None,
        dev_file=f"dev_{domain}.tsv",
        test_files=(f"test_{domain}.tsv",),
        hub_name="mnli",
        hub_text_a="premise",
        hub_text_b="hypothesis",
        hub_dev=f"validation_{domain}",
        hub_test=f"test_{domain}",
    )


_ENTAILMENT = ("entailment", "not_entailment")

FORMATS: Mapping[str, GlueFormat] = {
    "cola": GlueFormat(
        folder="CoLA",
        label_names=("unacceptable", "acceptable"),
        metrics=("matthews", "accuracy"),
        text_a="sentence",
        text_b=None,
        header=("source", "label", "mark", "sentence"),
        hub_text_a="sentence",
        hub_text_b=None,
    ),
    "sst2": GlueFormat(
        folder="SST-2",
        label_names=("negative", "positive"),
        metrics=("accuracy",),
        text_a="sentence",
        text_b=None,
        hub_text_a="sentence",
        hub_text_b=None,
    ),
    "mrpc": GlueFormat(
        folder="MRPC",
        label_names=("not_equivalent", "equivalent"),
        metrics=("accuracy", "f1"),
        text_a="#1 String",
        text_b="#2 String",
        label="Quality",
        test_files=("msr_paraphrase_test.txt", "test.tsv"),
    ),
    "stsb": GlueFormat(
        folder="STS-B",
        label_names=(),
        labels_in_files=(),
        metrics=("pearson", "spearman"),
        label="score",
        kind="regression",
        limits=(0.0, 5.0),
        positive=None,
    ),
    "qqp": GlueFormat(
        folder="QQP",
        label_names=("not_duplicate", "duplicate"),
        metrics=("accuracy", "f1"),
        text_a="question1",
        text_b="question2",
        label="is_duplicate",
        incomplete_rows=True,
        hub_text_a="question1",
        hub_text_b="question2",
    ),
    "mnli": _mnli("matched"),
    "mnli_mismatched": _mnli("mismatched"),
    "qnli": GlueFormat(
        folder="QNLI",
        label_names=_ENTAILMENT,
        labels_in_files=_ENTAILMENT,
        metrics=("accuracy",),
        text_a="question",
        text_b="sentence",
        hub_text_a="question",
        hub_text_b="sentence",
    ),
    "rte": GlueFormat(folder="RTE", label_names=_ENTAILMENT, labels_in_files=_ENTAILMENT, metrics=("accuracy",)),
    "wnli": GlueFormat(folder="WNLI", label_names=("not_entailment", "entailment"), metrics=("accuracy",)),
}
