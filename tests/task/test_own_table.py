from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tuneoff.task import ProtocolSettings, Task, TaskError, TaskSettings, load_task, make_splits
from tuneoff.task.facts import summarise
from tuneoff.task.kinds import scoring_of

HEADER = "text,label\n"
GOOD = HEADER + "one,yes\ntwo,no\nthree,yes\n"


def load(folder: Path, text: str | bytes = GOOD, name: str = "train.csv", **settings: Any) -> Task:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    given = {"kind": "csv", "train_file": str(path), "text_a": "text", "label": "label", **settings}
    return load_task(TaskSettings.from_dict(given))


def write(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_csv_with_one_text_column(tmp_path: Path) -> None:
    task = load(tmp_path, name="train.csv", metrics=None)
    train = task.splits["train"]
    assert (train.text_a, train.text_b, train.label.tolist()) == (("one", "two", "three"), None, [1, 0, 1])
    assert (task.label_names, task.metrics, task.name) == (("no", "yes"), ("accuracy", "macro_f1"), "csv")
    assert set(task.splits) == {"train"}


def test_quotes_commas_line_breaks_and_byte_order_mark_in_csv(tmp_path: Path) -> None:
    task = load(tmp_path, '\ufefflabel,text,more\r\nb,"a, ""quoted""\nline",x\r\na," kept ",y\r\n', text_b="more")
    assert task.splits["train"].text_a == ('a, "quoted"\nline', " kept ")
    assert task.splits["train"].text_b == ("x", "y")


def test_tsv_keeps_quote_marks_and_odd_separators_as_text(tmp_path: Path) -> None:
    task = load(tmp_path, 'text\tlabel\n"open\ta\nsaid "no"\tb\nnext\u2028line\x85here\ta\n', name="train.tsv")
    assert task.splits["train"].text_a == ('"open', 'said "no"', "next\u2028line\x85here")


def test_delimiter_and_quoting_reach_the_reader(tmp_path: Path) -> None:
    assert load(tmp_path, 'text;label\n"a;b";x\nc;y\n', delimiter=";").splits["train"].text_a == ("a;b", "c")
    assert load(tmp_path, 'text,label\n"a",x\nc,y\n', quoting="none").splits["train"].text_a == ('"a"', "c")
    tabs = load(tmp_path, 'text\tlabel\n"a\tb"\tx\nc\ty\n', name="t.tsv", quoting="double")
    assert tabs.splits["train"].text_a[0] == "a\tb"


@pytest.mark.parametrize("word", ["NA", "null", "None", "nan", "NULL", "N/A", "true", "1e5", "007"])
def test_words_that_readers_take_for_missing_or_numbers_stay_text(tmp_path: Path, word: str) -> None:
    task = load(tmp_path, f"{HEADER}{word},{word}\nother,zzz\n")
    assert task.splits["train"].text_a == (word, "other")
    assert word in task.label_names


def test_jsonl_and_parquet_give_the_same_task_as_csv(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    rows = [{"text": "NA", "label": 10}, {"text": 'b "q"', "label": 2}, {"text": "c", "label": 10}]
    lines = "\n".join(json.dumps(row) for row in rows)
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "rows.parquet")
    tasks = [
        load(tmp_path, 'text,label\nNA,10\n"b ""q""",2\nc,10\n'),
        load(tmp_path, lines, name="rows.jsonl"),
        load(tmp_path, (tmp_path / "rows.parquet").read_bytes(), name="rows.parquet"),
    ]
    for task in tasks:
        assert task.label_names == ("2", "10")
        assert task.splits["train"].text_a == ("NA", 'b "q"', "c")
        assert task.splits["train"].label.tolist() == [1, 0, 1]


def test_labels_as_float_or_bool_are_read_as_classes(tmp_path: Path) -> None:
    floats = '{"text": "a", "label": 1.0}\n{"text": "b", "label": 0.0}'
    assert load(tmp_path, floats, name="a.jsonl").label_names == ("0", "1")
    assert load(tmp_path, floats.replace("1.0", "true").replace("0.0", "false"), name="b.jsonl").label_names == (
        "false",
        "true",
    )


def test_many_labels_sort_by_value_where_whole_numbers_and_by_text_else(tmp_path: Path) -> None:
    numbers = "".join(f"t{i},{i % 12 - 2}\n" for i in range(24))
    assert load(tmp_path, HEADER + numbers).label_names == tuple(map(str, range(-2, 10)))
    assert load(tmp_path, HEADER + numbers + "x,ten\n").label_names == tuple(sorted([*map(str, range(-2, 10)), "ten"]))


def test_dev_and_test_files_share_the_labels_of_train(tmp_path: Path) -> None:
    task = load(
        tmp_path,
        dev_file=write(tmp_path, "dev.csv", HEADER + "x,yes\n"),
        test_file=write(tmp_path, "test.csv", HEADER + "y,no\nz,yes\n"),
    )
    assert task.splits["dev"].label.tolist() == [1]
    assert task.splits["test"].label.tolist() == [0, 1]


@pytest.mark.parametrize("text", ["text\nhidden\n", HEADER + "hidden,\n"])
def test_a_test_file_without_labels_is_kept_unlabelled(tmp_path: Path, text: str) -> None:
    assert not load(tmp_path, test_file=write(tmp_path, "test.csv", text)).splits["test"].labelled


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + "one,yes\ntwo\n", r"train.csv, line 3, has 1 fields, but the header has 2: fix the line"),
        ("text;label\none;yes\n", r"header 'text;label' is one column.*give 'task.delimiter=\";\"'"),
        (HEADER + '"a\nb",yes\nc,no,extra\n', "line 4, has 3 fields"),
        (HEADER + '"never closed,yes\n', "can't be read as quoted text.*task.quoting=none"),
        (HEADER + '"a"b,yes\nc,no\n', "line 2, can't be read as quoted text"),
        (HEADER + "one,yes\n\ntwo,no\n", "line 3, has 0 fields"),
        (HEADER + "one,yes\n ,no\n", r"line 3: column 'text' \(task.text_a\) is empty, but every row needs text"),
        (HEADER + "one,yes\ntwo,\nthree,no\n", r"line 3: the train row has no label \(task.label\).*remove the row"),
        (HEADER + "one,yes\ntwo,yes\n", "has only the label 'yes': classification needs at least two"),
        (HEADER + "one,\ntwo,\n", "has no labels"),
        (HEADER + "a,1\nb,2\nc,3\n", "differs in each of its 3 rows: name the column with the classes"),
        (HEADER, "has no rows"),
        ("", "the file is empty"),
        ("text,label,text\n", "names the column 'text' twice"),
        ("sentence,label\na,b\nc,d\n", "task.text_a is 'text', but .*no such column: it has 'sentence', 'label"),
        ("text,class\na,b\n", "task.label is 'label', but .*: it has 'text', 'class'"),
        (HEADER.encode() + b"ok,yes\ncaf\xe9,no\n", "line 3, is not UTF-8 .byte 0xe9.: save the file as UTF-8"),
        ("text,label\na,b\n".encode("utf-16-le"), "is not text in UTF-8 .*as in UTF-16.*: save the file as UTF-8"),
    ],
)
def test_an_unfit_csv_is_an_error_that_says_where_and_what_to_do(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        load(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"text": "a", "label": "x"}\n{"text": "b"\n', "line 2, is not JSON"),
        ('["a"]\n', "line 1, is a JSON list, but each line must be one object"),
        ('{"text": 5, "label": "x"}\n{"text": "b", "label": "y"}\n', "column 'text' .* is 5, but it must be text"),
        ('{"text": "a", "label": 0.5}\n', "is 0.5, a number with a fraction. Classes, or numbers"),
        ('{"text": "a", "label": [1]}\n', "a label must be text or a whole number"),
        ('{"text": "a", "label": "x"}\n\n{"label": "y"}\n', "line 3: column 'text' .* is empty"),
        ('{"text": "\\ud800", "label": "x"}\n{"text": "b", "label": "y"}\n', "line 1: .*half a surrogate pair"),
    ],
)
def test_an_unfit_jsonl_is_an_error_that_says_where(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        load(tmp_path, text, name="train.jsonl")


def test_an_unfit_parquet_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="can't be read as Parquet"):
        load(tmp_path, b"not parquet", name="train.parquet")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train_file": "{}/gone.csv"}, r"task.train_file is '.*gone.csv', but there is no such file: .*three.csv"),
        ({"train_file": "{}"}, "tables are read by their extension"),
        ({"train_file": "{}/no/such.csv"}, "its folder .* does not exist either"),
        ({"dev_file": "{}/gone.parquet"}, "task.dev_file is .* but there is no such file"),
        ({"train_file": "{}/train.txt"}, "to one of .csv, .tsv, .jsonl, .parquet"),
        (
            {"metrics": ["f1"], "dev_file": "{}/three.csv", "train_file": "{}/three.csv"},
            "f1 is about one class and task .* has 3: use macro_f1, or name the class with task.positive",
        ),
    ],
)
def test_a_wrong_path_or_metric_names_the_setting_and_the_choices(
    tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    write(tmp_path, "three.csv", HEADER + "a,1\nb,2\nc,3\nd,3\n")
    filled = {k: v.format(tmp_path) if isinstance(v, str) else v for k, v in settings.items()}
    with pytest.raises(TaskError, match=message):
        load(tmp_path, **filled)


@pytest.mark.parametrize(
    ("split", "text", "message"),
    [
        ("dev", HEADER + "x,maybe\n", "the dev row has the label 'maybe' .* are 'no', 'yes'.*add rows with it to train"),
        ("test", HEADER + "x,yes\ny,-1\n", "line 3: the test row has the label '-1'"),
        ("test", HEADER + "x,yes\ny,\n", "line 3: the test row has no label"),
        ("dev", HEADER + "x,\n", "no row of .*dev.csv has one: dev needs labels.*task.dev_file=null"),
        ("dev", "text\nx\n", "task.label is 'label', but .*dev.csv has no such column"),
        ("dev", HEADER, "task.dev_file is .* but it has no rows"),
    ],
)
def test_an_unfit_dev_or_test_file_is_an_error(tmp_path: Path, split: str, text: str, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        load(tmp_path, **{f"{split}_file": write(tmp_path, f"{split}.csv", text)})


FRAUD = HEADER + "".join(f"row {i},{'fraud' if i % 5 == 0 else 'legit'}\n" for i in range(60))


def test_f1_is_about_the_rarer_class_of_train_or_the_one_that_is_named(tmp_path: Path) -> None:
    about = {"metrics": ["f1"]}
    assert load(tmp_path, FRAUD, **about).positive == 0, "fraud, though legit comes second"
    assert load(tmp_path, FRAUD, positive="legit", **about).positive == 1
    assert load(tmp_path, HEADER + "a,0\nb,1\nc,0\n", positive=0, **about).positive == 0, "as a command line gives it"
    assert load(tmp_path, HEADER + "a,x\nb,y\nc,z\nd,z\n", positive="z", **about).positive == 2


def test_a_constant_answer_has_no_high_f1_by_default(tmp_path: Path) -> None:
    task = load(tmp_path, FRAUD, metrics=["f1"])
    rate = scoring_of(task).constant_scores(task.splits["train"].label)["f1"]
    assert rate == pytest.approx(2 * 0.2 / 1.2), "that of legit is 89 %"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"positive": "freud", "metrics": ["f1"]},
            "task.positive is 'freud', but it must be one of the labels, 'fraud', 'legit'",
        ),
        ({"positive": "fraud"}, r"no metric of task.metrics is about one class: .* task.metrics=\[accuracy,f1\]"),
        ({"positive": ""}, "task.positive is '', but it must be the class that F1 is about"),
    ],
)
def test_a_positive_class_that_does_not_exist_or_has_no_effect_is_an_error(tmp_path: Path, settings: Any, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        load(tmp_path, FRAUD, **settings)


def test_the_header_names_the_class_that_f1_is_about(tmp_path: Path) -> None:
    def named(**settings: Any) -> Any:
        task = load(tmp_path, FRAUD, **settings)
        return summarise(task, make_splits(task, ProtocolSettings(name="heldout", group_by="row"), 0))["positive"]

    assert (named(metrics=["accuracy", "f1"]), named()) == ("fraud", None)
