"""Made-up rows in the exact form of GLUE's own files: header lines, fields and labels as there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

WORDS = ("apple", "boat", "cloud", "door", "eagle", "field", "glass", "house")


def sentence(i: int) -> str:
    return f'The {WORDS[i % 8]} "{i}" is near the {WORDS[i // 8 % 8]}.'


def write(folder: Path, kind: str, train: int = 60, dev: int = 20, test: int = 6) -> None:
    """The files of a task, with `train`, `dev` and `test` rows."""
    folder.mkdir(exist_ok=True)
    for split, names, start, n in _files(kind, train, dev, test):
        header, row = _LAYOUTS[kind](split)
        lines = ([header] if header else []) + ["\t".join(row(i)) for i in range(start, start + n)]
        for name in names:
            (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _files(kind: str, train: int, dev: int, test: int) -> list[tuple[str, tuple[str, ...], int, int]]:
    ends = ("_matched.tsv", "_mismatched.tsv") if kind.startswith("mnli") else (".tsv",)
    return [
        ("train", ("train.tsv",), 0, train),
        ("dev", tuple(f"dev{end}" for end in ends), train, dev),
        ("test", tuple(f"test{end}" for end in ends), train + dev, test),
    ]


Row = Callable[[int], list[str]]


def _cola(split: str) -> tuple[str, Row]:
    if split == "test":
        return "index\tsentence", lambda i: [str(i), sentence(i)]
    return "", lambda i: ["gj04", str(i % 2), "" if i % 2 else "*", sentence(i)]


def _sst2(split: str) -> tuple[str, Row]:
    if split == "test":
        return "index\tsentence", lambda i: [str(i), sentence(i)]
    return "sentence\tlabel", lambda i: [f"{sentence(i)} ", str(i % 2)]


def _mrpc(split: str) -> tuple[str, Row]:
    first = "index" if split == "test" else "Quality"
    return f"{first}\t#1 ID\t#2 ID\t#1 String\t#2 String", lambda i: [str(i % 2), "1", "2", sentence(i), f"b {i}"]


def _stsb(split: str) -> tuple[str, Row]:
    header = "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2"
    fields: Row = lambda i: [str(i), "main-news", "x", "2012test", "7", "none", "none", sentence(i), f"b {i}"]  # noqa: E731
    if split == "test":
        return header, fields
    return f"{header}\tscore", lambda i: [*fields(i), f"{i % 11 / 2:.3f}"]


def _qqp(split: str) -> tuple[str, Row]:
    if split == "test":
        return "id\tquestion1\tquestion2", lambda i: [str(i), sentence(i), f"b {i}"]
    return "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate", lambda i: [str(i), "1", "2", sentence(i), f"b {i}", str(i % 2)]


def _mnli(split: str) -> tuple[str, Row]:
    header = (
        "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\tsentence2_parse"
        "\tsentence1\tsentence2"
    )
    names = ("neutral", "entailment", "contradiction")
    annotators = {"train": 1, "dev": 5, "test": 0}[split]
    fields: Row = lambda i: [str(i), "31", f"{i}n", "fiction", "( a )", "( b )", "(ROOT a)", "(ROOT b)", sentence(i), f"b {i}"]  # noqa: E731
    if not annotators:
        return header, fields
    more = "".join(f"\tlabel{k + 1}" for k in range(annotators))
    return f"{header}{more}\tgold_label", lambda i: [*fields(i), *["neutral"] * annotators, names[i % 3]]


def _entailment(a: str, b: str, *labels: str) -> Callable[[str], tuple[str, Row]]:
    def layout(split: str) -> tuple[str, Row]:
        if split == "test":
            return f"index\t{a}\t{b}", lambda i: [str(i), sentence(i), f"b {i}"]
        return f"index\t{a}\t{b}\tlabel", lambda i: [str(i), sentence(i), f"b {i}", labels[i % 2]]

    return layout


_LAYOUTS: dict[str, Callable[[str], tuple[str, Row]]] = {
    "cola": _cola,
    "sst2": _sst2,
    "mrpc": _mrpc,
    "stsb": _stsb,
    "qqp": _qqp,
    "mnli": _mnli,
    "mnli_mismatched": _mnli,
    "qnli": _entailment("question", "sentence", "entailment", "not_entailment"),
    "rte": _entailment("sentence1", "sentence2", "entailment", "not_entailment"),
    "wnli": _entailment("sentence1", "sentence2", "0", "1"),
}
KINDS = tuple(_LAYOUTS)
