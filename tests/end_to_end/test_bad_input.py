"""Each mistake is one clear message before Ray starts: exit code 2, no traceback, the remedy named."""

from __future__ import annotations

import pytest

from tests.end_to_end.command import command

TABLE = "text,label\ngood day,yes\nbad day,no\n" * 20


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "my.csv"
    path.write_text(TABLE)
    return path


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["algorithm=bayesop"], ["algorithm is 'bayesop'", "grid", "did you mean bayesopt?"]),
        (["hparams.learning_rat=1"], ["hparams.learning_rat is not a setting", "did you mean hparams.learning_rate"]),
        (["algorithm=pbt", "algorithm.trials=1"], ["algorithm.trials is 1", ">= 2"]),
        (["resources.device=cuda"], ["resources.device is cuda", "0 GPUs", "resources.device=cpu"]),
        (["resources.cpus_per_trial=1000"], ["resources.cpus_per_trial=1000", "cores", "not one trial fits"]),
        (["resources.slots=500"], ["resources.slots is 500", "fit at once"]),
        (["task=mrpc", "task.files=/nowhere"], ["task.files", "/nowhere"]),
        (["task=rte", "resources.slots=1"], ["Hugging Face hub", "task.files=DIR", "task=entail"]),
        (["model=bert-base", "resources.slots=1"], ["google-bert/bert-base-uncased", "model=micro", "model.source=FOLDER"]),
        (["model=bert-base", "model.source=/nowhere/model", "resources.slots=1"], ["/nowhere/model", "model=micro"]),
        (["model.num_layers=40", "resources.slots=1"], ["model.num_layers is 40"]),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(tmp_path, arguments, says):
    done = command("run", f"results={tmp_path}", *arguments)
    assert_clear(done, says)
    assert not list(tmp_path.rglob("run.json")), "nothing is left behind"


@pytest.mark.parametrize(
    ("content", "arguments", "says"),
    [
        (TABLE, ["task.text_a=sentence"], ["sentence", "'text', 'label'"]),
        (TABLE, ["task.label=class"], ["class", "'text', 'label'"]),
        ("text,label\n" + "a b,yes\n" * 20, [], ["only the label 'yes'"]),
        ("text,label\n" + "a b,yes\nc d,no\n" * 20 + "e f,\n", [], ["label", "42"]),
    ],
)
def test_a_table_that_is_unfit_says_where(tmp_path, content, arguments, says):
    path = tmp_path / "my.csv"
    path.write_text(content)
    done = command(
        "run", f"results={tmp_path}", "task=csv", f"task.train_file={path}", "task.text_a=text", "task.label=label", *arguments
    )
    assert_clear(done, says)


def assert_clear(done, says):
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: "), done.stderr
    assert "Traceback" not in done.stderr
    assert "Error executing job" not in done.stderr
    assert len(done.stderr.splitlines()) <= 3, done.stderr
    for part in says:
        assert part in done.stderr, f"{part!r} is not in {done.stderr!r}"
