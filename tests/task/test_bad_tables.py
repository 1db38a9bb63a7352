"""Tables as they come: each is read right, or is one TaskError that says where and what to do."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tuneoff.task import Task, TaskError, TaskSettings, load_task

HEADER = "text,label\n"
TABS = "text\tlabel\na\tyes\nb\tno\nc\tno\n"
JSONL = '{"text": "a", "label": "yes"}\n{"text": "b", "label": "no"}\n{"text": "c", "label": "no"}\n'
LONG = "long " * 30_000


def load(path: Path, **settings: Any) -> Task:
    given = {"kind": "csv", "train_file": str(path), "text_a": "text", "label": "label", **settings}
    return load_task(TaskSettings.from_dict(given))


def load_bytes(folder: Path, name: str, data: str | bytes, **settings: Any) -> Task:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return load(path, **settings)


def rated(*labels: str) -> str:
    """A CSV with these labels, each twice."""
    return HEADER + "".join(f"t{i},{label}\n" for i, label in enumerate([*labels, *labels]))


GOOD = [
    ("field of over 131,072 characters", "t.csv", f'{HEADER}"{LONG}",yes\nb,no\nc,no\n', {}),
    ("field of over 131,072 characters, unquoted", "t.tsv", f"text\tlabel\n{LONG}\tyes\nb\tno\nc\tno\n", {}),
    ("number of 5,000 digits in a field that nobody names", "t.jsonl", JSONL.replace("}", f', "id": {"9" * 5000}}}', 1), {}),
    ("UTF-16 with its mark", "t.csv", "text,label\r\na,yes\r\nb,no\r\nc,no\r\n".encode("utf-16"), {}),
    ("UTF-16, big-endian", "t.tsv", b"\xfe\xff" + TABS.encode("utf-16-be"), {}),
    ("UTF-32 with its mark", "t.tsv", TABS.encode("utf-32"), {}),
    ("UTF-8 with its mark", "t.jsonl", b"\xef\xbb\xbf" + JSONL.encode(), {}),
    ("carriage returns alone", "t.csv", "text,label\ra,yes\rb,no\rc,no\r", {}),
    ("carriage returns alone, no quoting", "t.tsv", "text\tlabel\ra\tyes\rb\tno\rc\tno\r", {}),
    ("carriage returns alone, JSON lines", "t.jsonl", JSONL.replace("\n", "\r"), {}),
    (".txt with a delimiter", "t.txt", TABS, {"delimiter": "tab"}),
    (".txt with semicolons is quoted", "t.txt", 'text;label\n"a";yes\nb;no\nc;no\n', {"delimiter": ";"}),
    ("a key that one line lacks, unnamed", "t.jsonl", JSONL.replace("}", ', "x": 1}', 1), {}),
    ("a column without a name", "t.csv", ",text,label\n0,a,yes\n1,b,no\n2,c,no\n", {}),
    ("a NUL in another column", "t.csv", "text,label,x\na,yes,\0\nb,no,\nc,no,\n", {}),
]


@pytest.mark.parametrize(("name", "data", "settings"), [case[1:] for case in GOOD], ids=[case[0] for case in GOOD])
def test_an_odd_table_is_read_right(tmp_path: Path, name: str, data: str | bytes, settings: dict[str, Any]) -> None:
    train = load_bytes(tmp_path, name, data, **settings).splits["train"]
    assert train.text_a in (("a", "b", "c"), (LONG, "b", "c"))
    assert train.label.tolist() == [1, 0, 0]


BAD = [
    (
        "UTF-16 without its mark",
        "t.tsv",
        "text\tlabel\na\tb\n".encode("utf-16-le"),
        {},
        "is not text in UTF-8 .*save the file as UTF-8",
    ),
    ("half of UTF-16", "t.tsv", b"\xff\xfet\x00e", {}, "begins with UTF-16's mark but is not UTF-16: save it as UTF-8"),
    ("Windows-1252", "t.csv", HEADER.encode() + b"caf\xe9,yes\n", {}, "line 2, is not UTF-8 .*iconv"),
    (
        "no header, TSV",
        "t.tsv",
        "A fine film\tpos\nDull\tneg\nGreat\tpos\n",
        {},
        "Line 1 looks like data, so there is no header line: put one",
    ),
    ("no header, a sentence", "t.csv", "one two three four five,x\nb,y\n", {}, "there is no header line"),
    (
        "no header, one value twice in it",
        "t.tsv",
        "a\t1\t1\nb\t0\t1\n",
        {},
        "'1' twice.*or, where line 1 is data, put a header line before it",
    ),
    ("another separator", "t.csv", "text;label\na;yes\nb;no\n", {}, "is one column when read.*separated by ';': give"),
    ("a rare separator", "t.csv", "text~label\na~yes\nb~no\n", {}, "That is one column: set task.delimiter .*now ','"),
    (".txt", "t.txt", "text\tlabel\na\tyes\n", {}, "txt does not say what separates the columns: set task.delimiter"),
    ("a key twice", "t.jsonl", '{"text":"a","label":"x","text":"b"}\n', {}, "line 1, has the key 'text' twice"),
    (
        "a JSON array over several lines",
        "t.jsonl",
        '[\n{"text":"a","label":"x"}\n]\n',
        {},
        "line 1, is not JSON .*a file of one JSON array",
    ),
    ("very deep JSON", "t.jsonl", '{"text":' + "[" * 200_000 + "\n", {}, "line 1, is nested too deeply"),
    (
        "5,000 digits as text",
        "t.jsonl",
        f'{{"text":{"9" * 5000},"label":"x"}}\n{{"text":"b","label":"y"}}\n',
        {},
        r"is Decimal\('9+\.\.\.\), but it must be text",
    ),
    (
        "5,000 digits as label",
        "t.jsonl",
        f'{{"text":"a","label":{"9" * 5000}}}\n',
        {},
        "but a label must be text or a whole number",
    ),
    ("infinity as label", "t.jsonl", '{"text":"a","label":Infinity}\n', {}, "is inf, but a label must be"),
    (
        "half a surrogate pair as label",
        "t.jsonl",
        '{"text":"a","label":"\\ud800"}\n',
        {},
        "column 'label' holds half a surrogate pair",
    ),
    (
        "pandas' doubled quotes",
        "t.tsv",
        'text\tlabel\n"said ""no"""\tx\nb\ty\n',
        {},
        "line 2: column 'text' is .*looks like quoting.*task.quoting=double",
    ),
    (
        "all fields in quotes",
        "t.tsv",
        '"text"\t"label"\n"a"\t"x"\n"b"\t"y"\n',
        {},
        "no such column: .*in quote marks: set task.quoting=double",
    ),
    ("a tab inside quotes", "t.tsv", 'text\tlabel\n"a\tb"\tx\nc\ty\n', {}, "line 2, has 3 fields.*task.quoting=double"),
    ("quotes that never close", "t.csv", HEADER + '"a,yes\nb,no\n', {}, "can't be read as quoted text"),
    (
        "half stars",
        "t.csv",
        rated("4.5", "4", "3.5"),
        {},
        "line 2: column 'label' .* is '4.5', a number with a fraction. Classes, or",
    ),
    (
        "half stars with commas",
        "t.csv",
        "text;label\na;4,5\nb;3\nc;4,5\n",
        {"delimiter": ";"},
        "is '4,5', a number with a fraction",
    ),
    ("half stars in JSON", "t.jsonl", '{"text": "a", "label": 4.5}\n', {}, "is 4.5, a number with a fraction.*bin them"),
    (
        "a zero-width space",
        "t.csv",
        rated("yes", "yes\u200b", "no"),
        {},
        r"line 3: the label 'yes\\u200b' .* looks like 'yes' of .*line 2\. They differ only in characters that are not seen",
    ),
    ("a soft hyphen", "t.csv", rated("negative", "nega\u00adtive"), {}, "characters that are not seen"),
    ("a variation selector", "t.csv", rated("\u2764", "\u2764\ufe0f"), {}, "characters that are not seen"),
    (
        "composed and decomposed",
        "t.csv",
        rated("caf\u00e9", "cafe\u0301", "no"),
        {},
        r"'cafe\\u0301' .* looks like 'caf\\xe9'.*Unicode normal form",
    ),
    ("full-width letters", "t.csv", rated("\uff59\uff45\uff53", "yes"), {}, "Unicode normal form"),
    ("a ligature", "t.csv", rated("\ufb01t", "fit"), {}, "Unicode normal form"),
    ("blanks inside", "t.csv", rated("not  so", "not so"), {}, "differ only in blanks"),
    ("a no-break space", "t.csv", rated("not\u00a0so", "not so"), {}, "differ only in their Unicode normal form"),
    ("upper and lower case", "t.csv", rated("Yes", "yes", "no"), {}, "differ only in upper and lower case"),
    ("Cyrillic letters", "t.csv", rated("yes", "y\u0435s", "no"), {}, r"'y\\u0435s' .* looks like 'yes'"),
    ("a typographic dash", "t.csv", rated("non-toxic", "non\u2011toxic"), {}, "looks like 'non-toxic'"),
    ("007 and 7", "t.csv", rated("007", "7"), {}, "how a number is written"),
    ("a label that is not seen", "t.csv", rated("\u200b", "no"), {}, r"the label '\\u200b' .* prints as nothing"),
    (
        "the hub's -1 among classes",
        "t.csv",
        rated("-1", "0", "1", "2"),
        {},
        "hub writes -1 for a row without a label: remove those rows",
    ),
    (
        "a fraction as the name of a column",
        "t.csv",
        HEADER,
        {"text_a": 1.5},
        "task.text_a is 1.5, but it must be text: in quote marks",
    ),
    (
        "a file that can't be a path",
        "t.csv",
        HEADER,
        {"dev_file": "x" * 5000 + ".csv"},
        r"task.dev_file is 'x+\.\.\.', but that can't be a path",
    ),
    ("a NUL in a path", "t.csv", HEADER, {"dev_file": "a\0b.csv"}, "task.dev_file is .*but"),
    ("the home of nobody", "t.csv", HEADER, {"dev_file": "~nobody-of-that-name/a.csv"}, "that home folder is not known"),
    ("a spreadsheet", "t.xlsx", b"PK", {}, "tables are read by their extension"),
    ("nothing but line ends", "t.csv", "\n\n\n", {}, "the file is empty"),
    ("only a byte-order mark", "t.csv", b"\xef\xbb\xbf", {}, "the file is empty"),
]


@pytest.mark.parametrize(("name", "data", "settings", "message"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_bad_table_is_one_clear_error(
    tmp_path: Path, name: str, data: str | bytes, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(TaskError, match=message) as caught:
        load_bytes(tmp_path, name, data, **settings)
    assert len(str(caught.value)) < 1000
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "t.csv").symlink_to("/proc/self/mem")
    with pytest.raises(TaskError, match=r"task.train_file is .* but it can't be read \(.*\): check its permissions"):
        load(tmp_path / "t.csv")


def test_quote_marks_in_a_tsv_are_text_where_they_are_not_all_quoting_or_the_setting_says_so(tmp_path: Path) -> None:
    mixed = 'text\tlabel\n"said ""no"""\tx\n5" pipe\ty\n'
    assert load_bytes(tmp_path, "t.tsv", mixed).splits["train"].text_a == ('"said ""no"""', '5" pipe')
    pandas = 'text\tlabel\n"said ""no"""\tx\nb\ty\n'
    assert load_bytes(tmp_path, "t.tsv", pandas, quoting="none").splits["train"].text_a[0] == '"said ""no"""'
    assert load_bytes(tmp_path, "t.tsv", pandas, quoting="double").splits["train"].text_a[0] == 'said "no"'


def test_reading_a_long_field_leaves_the_csv_modules_limit_as_it_was(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    load_bytes(tmp_path, "t.csv", GOOD[0][2])
    with pytest.raises(TaskError):
        load_bytes(tmp_path, "t.csv", HEADER + '"a"b,c\n')
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("hidden", [HEADER + "x,-1\ny,-1\n", HEADER + "x,-1\ny,\n", HEADER + "x,-1.0\n"])
def test_the_hubs_minus_one_is_a_hidden_label_where_it_is_no_class(tmp_path: Path, hidden: str) -> None:
    (tmp_path / "test.csv").write_text(hidden)
    given = {"test_file": str(tmp_path / "test.csv")}
    assert not load_bytes(tmp_path, "t.csv", rated("0", "1"), **given).splits["test"].labelled
    with pytest.raises(TaskError, match="dev needs labels"):
        load_bytes(tmp_path, "t.csv", rated("0", "1"), dev_file=given["test_file"])


def test_minus_one_is_a_class_where_train_has_it(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text(HEADER + "x,-1\ny,-1\n")
    task = load_bytes(tmp_path, "t.csv", rated("-1", "0", "1"), test_file=str(tmp_path / "test.csv"))
    assert task.label_names == ("-1", "0", "1")
    assert task.splits["test"].label.tolist() == [0, 0]


@pytest.mark.parametrize("spelled", ["1", "1.0", "1.", " 1 ", "1.000"])
def test_a_whole_number_is_one_label_however_it_is_written(tmp_path: Path, spelled: str) -> None:
    """pandas writes 0.0 where a column has gaps and 0 where it has none."""
    (tmp_path / "dev.csv").write_text(f"{HEADER}x,{spelled}\n")
    (tmp_path / "test.jsonl").write_text('{"text": "y", "label": 1.0}\n')
    task = load_bytes(
        tmp_path, "t.csv", rated("0.0", "1.0"), dev_file=str(tmp_path / "dev.csv"), test_file=str(tmp_path / "test.jsonl")
    )
    assert task.label_names == ("0", "1")
    assert task.splits["dev"].label.tolist() == task.splits["test"].label.tolist() == [1]


def test_an_unknown_label_that_looks_like_a_known_one_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "dev.csv").write_text(HEADER + "x,yes\u200b\n", encoding="utf-8")
    with pytest.raises(
        TaskError, match=r"'yes\\u200b' .* differs from 'yes' only in characters that are not seen, write it as"
    ):
        load_bytes(tmp_path, "t.csv", rated("yes", "no"), dev_file=str(tmp_path / "dev.csv"))


@pytest.mark.parametrize(
    ("asked", "expected"), [("01", "A"), ("1", "B"), (1, "B"), ("1.0", "C"), ("001", "D"), ("1_000", "E"), ("1e3", "F")]
)
def test_columns_whose_names_are_numbers_are_told_apart(tmp_path: Path, asked: Any, expected: str) -> None:
    data = "01,1,1.0,001,1_000,1e3,label\n" + "".join(f"A,B,C,D,E,F,{i % 2}\n" for i in range(4))
    assert load_bytes(tmp_path, "t.csv", data, text_a=asked).splits["train"].text_a == (expected,) * 4


@pytest.mark.parametrize(("column", "asked"), [("01", 1), ("01", "1"), ("1", "01"), ("1.0", "1")])
def test_a_number_names_no_column_that_is_written_otherwise(tmp_path: Path, column: str, asked: Any) -> None:
    with pytest.raises(TaskError, match=f"task.text_a is '{asked}', but .* no such column: it has '{column}', 'label'"):
        load_bytes(tmp_path, "t.csv", f"{column},label\na,x\nb,y\n", text_a=asked)


def arrow(columns: dict[str, Any], names: list[str] | None = None) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        import pyarrow
        from pyarrow import parquet

        table = pyarrow.table(columns)
        parquet.write_table(table if names is None else table.rename_columns(names), path)

    return write


def far_off() -> Any:
    import pyarrow

    return pyarrow.array([2**60, 2**60, 2**60]).cast(pyarrow.timestamp("ms"))


def test_a_parquet_column_that_nobody_names_cannot_be_in_the_way(tmp_path: Path) -> None:
    arrow({"text": ["a", "b", "c"], "label": ["x", "y", "x"], "when": far_off()})(tmp_path / "t.parquet")
    assert load(tmp_path / "t.parquet").splits["train"].label.tolist() == [0, 1, 0]
    with pytest.raises(TaskError, match="column 'when' can't be converted"):
        load(tmp_path / "t.parquet", text_a="when")


def test_parquet_names_twice_and_folders_called_like_columns(tmp_path: Path) -> None:
    arrow({"text": ["a", "b"], "x": ["c", "d"], "label": ["x", "y"]}, ["text", "text", "label"])(tmp_path / "t.parquet")
    with pytest.raises(TaskError, match="names the column 'text' twice"):
        load(tmp_path / "t.parquet")
    folder = tmp_path / "label=3"
    folder.mkdir()
    arrow({"text": ["a", "b"], "label": ["x", "y"]})(folder / "t.parquet")
    assert load(folder / "t.parquet").label_names == ("x", "y")


def test_parquet_decimals_and_categories_are_labels(tmp_path: Path) -> None:
    import pyarrow

    decimals = pyarrow.array([1, 2, 1]).cast(pyarrow.decimal128(25, 2))
    arrow({"text": ["a", "b", "c"], "label": decimals})(tmp_path / "t.parquet")
    assert load(tmp_path / "t.parquet").label_names == ("1", "2")
    arrow({"text": ["a", "b", "c"], "label": pyarrow.array(["x", "y", "x"]).dictionary_encode()})(tmp_path / "t.parquet")
    assert load(tmp_path / "t.parquet").label_names == ("x", "y")
