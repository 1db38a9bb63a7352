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
        (["task=mnli"], ["task is 'mnli'", "entail", "mrpc", "csv"]),
        (["model=gpt"], ["model is 'gpt'", "micro"]),
        (["price=v100"], ["price is 'v100'", "v100-2020"]),
        (["hparams.learning_rat=1"], ["hparams.learning_rat is not a setting", "did you mean hparams.learning_rate"]),
        (["task=csv", "task.train_fil=x"], ["task.train_fil is not a setting", "did you mean task.train_file"]),
        (["space.learning_rate={choice:[1]}"], ["remove it and add it again", "~space.learning_rate '+space.learning_rate="]),
        (["+hparams.momentum=1"], ["unknown hyperparameter 'momentum'", "learning_rate"]),
        (["hparams.learning_rate=7"], ["learning_rate is 7", "at most 1"]),
        (["hparams.batch_size=0"], ["batch_size is 0", "from 1 to 4096"]),
        (["hparams.num_epochs=two"], ["num_epochs is 'two'", "number"]),
        (["algorithm=grid", "~space.learning_rate", "~space.weight_decay", "~space.batch_size"], ["search space is empty"]),
        (["space.learning_rate.low=1", "space.learning_rate.high=0.1"], ["space.learning_rate", "low must be below high"]),
        (["space.learning_rate.high=5"], ["space.learning_rate", "at most 1"]),
        (["+space.dropout={type:float,low:0,high:1}"], ["space.dropout is not a hyperparameter"]),
        (["space.batch_size.values=[16,16]"], ["space.batch_size", "each value must appear once"]),
        (["algorithm.trials=0"], ["algorithm.trials is 0", ">= 1"]),
        (["algorithm=pbt", "algorithm.trials=1"], ["algorithm.trials is 1", ">= 2"]),
        (["algorithm=bayesopt", "+algorithm.scheduler.reduction_factor=1"], ["reduction_factor is 1", ">= 2"]),
        (["algorithm=bayesopt", "algorithm.searcher.name=gpp"], ["algorithm.searcher.name is 'gpp'", "gp"]),
        (
            ["algorithm=pbt", "+algorithm.scheduler.quantile=0.1"],
            ["algorithm.scheduler.quantile does not exist", "quantile_fraction"],
        ),
        (["algorithm=pbt_replay"], ["algorithm.searcher.source"]),
        (["budget=epochs"], ["budget is 'epochs'", "budget=epochs:54"]),
        (["budget=dollars:-1"], ["budget is 'dollars:-1'", "above 0"]),
        (["resources.device=cuda"], ["resources.device is cuda", "0 GPUs", "resources.device=cpu"]),
        (["resources.gpus_per_trial=1.5"], ["resources.gpus_per_trial is 1.5"]),
        (["resources.cpus_per_trial=1000"], ["resources.cpus_per_trial=1000", "cores", "not one trial fits"]),
        (["resources.slots=500"], ["resources.slots is 500", "fit at once"]),
        (["training.precision=fp16"], ["training.precision is 'fp16'", "bf16"]),
        (["study=../x"], ["study is '../x'", "letters"]),
        (["repeat=-1"], ["repeat is -1"]),
        (["task=mrpc", "task.files=/nowhere"], ["task.files", "/nowhere"]),
        (["task=rte"], ["Hugging Face hub", "task.files=DIR", "task=entail"]),
        (["model=bert-base"], ["google-bert/bert-base-uncased", "model=micro", "model.source=FOLDER"]),
        (["model=bert-base", "model.source=/nowhere/model"], ["/nowhere/model", "model=micro"]),
        (["model.num_layers=40"], ["model.num_layers is 40"]),
        (["protocol=blog2020", "+protocol.group_by=pair"], ["protocol.group_by is not a setting of protocol=blog2020"]),
        (["task=csv"], ["task.train_file"]),
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
