"""What is wrong with a script is said in one message, before anything is trained."""

import json

import pytest

from tests.training.hf import glue_script
from tests.training.hf.conftest import SCRIPT
from tests.training.hf.rows import SIZES
from tuneoff.commands.composition import composed, to_plain
from tuneoff.config.reading import from_plain
from tuneoff.errors import UserError
from tuneoff.training.hf.make import hand_over, signature_of

NAMED = ("engine=hf_trainer", "engine.metric=eval_accuracy", "engine.direction=maximise")


def config(*settings, make=SCRIPT, **hparams):
    named = f"engine.make='{make}'" if "<" in make else f"engine.make={make}"
    plain = to_plain(composed([*NAMED, named, *settings]))
    plain["hparams"].update(hparams)
    return from_plain(plain)


def prepared(found):
    return found.engine.make().prepare(found.request("cpu"))


def error(*settings, prepare=True, **given):
    """The message. prepare: whether the script is run."""
    found = config(*settings, **given) if prepare else None
    with pytest.raises(UserError) as raised:
        _ = prepared(found) if found else config(*settings, **given)
    return str(raised.value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["engine.make=null"], ["engine.make is null", "engine.make=my_script:make_trainer"]),
        (["engine.make=my_script"], ["engine.make is 'my_script'", "a module and, after a colon"]),
        (["engine.make=no_such_module:make_trainer"], ["can't find the module 'no_such_module'"]),
        (
            ["engine.make=tests.training.hf.glue_script:make_trainers"],
            ["defines no make_trainers", "did you mean make_trainer?"],
        ),
        (["engine.direction=up"], ["engine.direction is 'up'", "maximise, minimise"]),
        (["+engine.metrics=x"], ["engine.metrics is not a setting"]),
        (["+space.learning_rat={type:float,low:1,high:2}"], ["space.learning_rat", "did you mean learning_rate"]),
        (["+space.hidden_dropuot={type:float,low:0,high:0.2}"], ["space.hidden_dropuot", "did you mean hidden_dropout"]),
        (["+space.label_smoothing={type:float,low:0,high:0.2}"], ["did you mean label_smoothing_factor"]),
        (["+hparams.num_train_epochs=4"], ["unknown hyperparameter 'num_train_epochs'", "did you mean num_epochs?"]),
        (["+hparams.max_steps=4"], ["max_steps", "how long it is"]),
        (["hparams.num_epochs=2.5"], ["num_epochs is 2.5", "whole number"]),
        (["+hparams.hidden_dropout=much"], ["hidden_dropout is 'much'"]),
        (["+hparams.optim=3"], ["optim is 3, but it must be text"]),
        (["space.batch_size.values=[0,16]"], ["space.batch_size reaches a value"]),
    ],
)
def test_a_wrong_setting_is_found_without_running_the_script(settings, words, monkeypatch):
    monkeypatch.setattr("tuneoff.training.hf.make.import_module", lambda _: pytest.fail("the script was run"))
    made = {"make": settings[0].removeprefix("engine.make=")} if settings[0].startswith("engine.make=") else {}
    said = error(*([] if made else settings), prepare=False, **made)
    assert all(word in said for word in words), said


def test_a_file_that_is_no_python_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "torn_script.py").write_text("def make_trainer(:\n")
    said = error(make="torn_script:make_trainer", prepare=False)
    assert "torn_script.py is no Python that can be read" in said
    assert "did you mean torn_script:...?" in error(make="torn_scrip:make_trainer", prepare=False)


def test_the_keywords_and_defaults_are_read_from_the_source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quiet_script.py").write_text(
        "raise RuntimeError('run')\n"
        "def make(request, learning_rate: float = 3e-5, *, pooling: Literal['cls', 'mean'] = 'cls', layers: int = 4,\n"
        "         frozen=False):\n"
        "    ...\n"
    )
    signature = signature_of("quiet_script:make")
    assert signature.takes_request
    assert signature.names == ("learning_rate", "pooling", "layers", "frozen")
    found = config(make="quiet_script:make")
    assert found.hparams == {
        **{"num_epochs": 3, "weight_decay": None, "batch_size": None},
        **{"learning_rate": 3e-5, "pooling": "cls", "layers": 4, "frozen": 0},
    }
    assert "must be one of cls, mean" in error("+hparams.pooling=max", make="quiet_script:make", prepare=False)
    assert "layers is 1.5, but it must be a whole number" in error(
        "+hparams.layers=1.5", make="quiet_script:make", prepare=False
    )


def test_any_field_of_training_arguments_can_be_searched():
    found = config(
        "+space.label_smoothing_factor={type:float,low:0.0,high:0.2}", "+space.lr_schedule={type:choice,values:[linear,cosine]}"
    )
    assert found.hparams["label_smoothing_factor"] is None
    assert found.engine.declared.mutable[:3] == ("learning_rate", "weight_decay", "batch_size")


def made(change, **given):
    """A name for a function that makes the script's Trainer and then spoils it."""

    def make_trainer(data_dir):
        return change(*glue_script.make_trainer(data_dir, more=given.get("more", "")))

    return hand_over(make_trainer)


def without(name):
    def change(trainer, test):
        setattr(trainer, name, None)
        return trainer, test

    return change


@pytest.mark.parametrize(
    ("change", "more", "words"),
    [
        (lambda trainer, test: None, "", ["it returned nothing", "must return a transformers.Trainer"]),
        (lambda trainer, test: (trainer.model, test), "", ["it returned a tuple", "a pair of a Trainer and a test dataset"]),
        (lambda trainer, test: trainer, "", ["there is no test dataset", "return a pair, (trainer, test_dataset)"]),
        (without("eval_dataset"), "", ["no eval_dataset"]),
        (without("train_dataset"), "", ["no train_dataset"]),
        (without("compute_metrics"), "", ["engine.metric is 'eval_accuracy'", "returns eval_loss:"]),
        (lambda *both: both, "--max_steps 5", ["max_steps=5", "a trial's length is num_epochs"]),
        (lambda *both: 1 / 0, "", ["it failed (ZeroDivisionError: division by zero, line", "test_engine.py"]),
    ],
)
def test_a_script_that_does_not_fit_is_told_what_is_missing(change, more, words, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = error(make=made(change, more=more), data_dir=data)
    assert all(word in said for word in words), said


def test_a_metric_that_is_not_returned_lists_those_that_are(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = error("engine.metric=eval_acuracy", data_dir=data)
    assert "returns eval_accuracy, eval_f1, eval_loss" in said or "returns eval_loss, eval_accuracy, eval_f1" in said, said


def test_a_direction_is_never_guessed(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "engine.direction is null, but it is not guessed" in error("engine.direction=null", data_dir=data)
    assert "engine.metric is null" in error("engine.metric=null", "engine.direction=null", data_dir=data)


def test_a_required_keyword_that_nothing_gives_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "needs the keyword data_dir" in error()


def test_the_facts_of_a_script_that_fits(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    more = "--metric_for_best_model f1 --load_best_model_at_end True --save_strategy epoch"
    found = prepared(config("engine.metric=null", "engine.direction=null", data_dir=data, more=more))
    assert found.metrics == ("f1",), "as TrainingArguments declare it"
    facts = found.facts
    assert (facts["n_train"], facts["n_validation"], facts["n_test"]) == tuple(SIZES.values())
    assert sum(facts["parts"]["validation"]["label_counts"]) == SIZES["validation"]
    assert "load_best_model_at_end is switched off" in facts["cautions"][0]
    assert json.loads(json.dumps(dict(facts))) == dict(facts)
    assert list(tmp_path.iterdir()) == [], "the driver leaves no folder behind"


def test_a_search_whose_data_changed_is_not_resumed(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = config(data_dir=data)
    facts = dict(prepared(found).facts)
    with pytest.raises(UserError, match="has changed since this search began"):
        found.engine.make().prepare(found.request("cpu"), {**facts, "source_rows": {**facts["source_rows"], "test": "other"}})


def test_a_script_whose_model_is_no_pretrained_one_can_be_searched_but_not_kept(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert prepared(config(data_dir=data)).export is not None

    def bare(data_dir):
        trainer, test = glue_script.make_trainer(data_dir)
        trainer.model.save_pretrained = None
        del trainer.model.save_pretrained
        trainer.model.__class__ = type("Bare", (type(trainer.model),), {"save_pretrained": property(_none)})
        return trainer, test

    def _none(self):
        raise AttributeError("save_pretrained")

    assert prepared(config(make=hand_over(bare), data_dir=data)).export is None
