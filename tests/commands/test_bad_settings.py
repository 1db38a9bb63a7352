"""Every setting is checked for its type before its value, and for its value before anything is started: one clear message."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.commands.answer import complaint, read
from tuneoff.commands.composition import composed, to_plain
from tuneoff.config.reading import from_plain
from tuneoff.errors import UserError
from tuneoff.space import Choice

LR, BATCH = "space.learning_rate", "space.batch_size"
NO_BATCH = "~space.batch_size +space.batch_size="
BAD = [
    # booleans given as text, number, null or list
    (f"{LR}.log=no", "space.learning_rate.log is 'no', but it must be true or false"),
    (f"{LR}.log=1", "log is 1, but it must be true or false"),
    (f"{LR}.log=null", "log is null, but it must be true or false"),
    (f"{LR}.log=[true]", "log is [True], but it must be true or false"),
    ("dry_run=no", "dry_run is 'no', but it must be true or false"),
    ("dry_run=1", "dry_run is 1, but it must be true or false"),
    ("training.bucket_lengths=no", "training.bucket_lengths is 'no'"),
    ("protocol.drop_test_overlap=null", "protocol.drop_test_overlap is null, but it must be true or false"),
    ("+algorithm.scheduler.synchronous=yes", "algorithm.scheduler.synchronous is 'yes', but it must be true or false"),
    # numbers: inf, nan, text, null, true, lists, mappings
    (f"{LR}.low=nan", "space.learning_rate.low is nan, but it must be a finite number"),
    (f"{LR}.high=inf", "space.learning_rate.high is inf, but it must be a finite number"),
    (f"{LR}.low=text", "low is 'text', but it must be a finite number"),
    (f"{LR}.low=null", "space.learning_rate.low is missing"),
    (f"{LR}.low=true", "low is True, but it must be a finite number"),
    (f"{LR}.low=[1e-5]", "low is [1e-05], but it must be a finite number"),
    ("hparams.learning_rate=inf", "learning_rate is inf, but it must be a number"),
    ("hparams.learning_rate=null", "learning_rate is null, but it must be a number"),
    ("hparams.learning_rate={a:1}", "learning_rate is {'a': 1}, but it must be a number"),
    ("hparams.batch_size=16.5", "batch_size is 16.5, but it must be a whole number"),
    ("hparams.batch_size=1" + 400 * "0", "but it must be a number"),
    ("hparams.lr_schedule=[linear]", "lr_schedule is ['linear'], but it must be one of linear, constant, cosine"),
    ("repeat=1.5", "repeat is 1.5, but it must be a whole number from 0 to 100000"),
    ("repeat=null", "repeat is null"),
    ("seed=true", "seed is True"),
    ("seed={a:1}", "seed is {'a': 1}"),
    ("retrain=yes", "retrain is 'yes'"),
    ("keep=model", "keep is 'model', but it must be winner, or null for no model"),
    ("training.snapshot_seconds=nan", "training.snapshot_seconds is nan, but it must be a number of seconds >= 0"),
    ("training.snapshot_seconds=inf", "training.snapshot_seconds is inf"),
    ("training.evaluations_per_epoch=1.5", "training.evaluations_per_epoch is 1.5, but it must be a whole number"),
    ("resources.gpus_per_trial=nan", "resources.gpus_per_trial is nan, but it must be from 0 to 1"),
    ("resources.gpus_per_trial=inf", "resources.gpus_per_trial is inf"),
    ("resources.gpus_per_trial=null", "resources.gpus_per_trial is null"),
    ("resources.slots=auto", "resources.slots is 'auto'"),
    ("protocol.validation_fraction=nan", "protocol.validation_fraction is nan, but it must be above 0 and below 1"),
    ("protocol.validation_fraction=text", "protocol.validation_fraction is 'text'"),
    ("protocol.validation_rows=2.5", "protocol.validation_rows is 2.5, but it must be a whole number of at least 2, or null"),
    ("task.train_rows=inf", "task.train_rows is inf"),
    ("task.max_train_rows=true", "task.max_train_rows is True"),
    ("model.num_layers=two", "model.num_layers is 'two', but it must be a whole number of at least 1, or null for all"),
    ("algorithm.trials=inf", "algorithm.trials is inf, but it must be a whole number"),
    ("+algorithm.scheduler.quantile_fraction=nan", "algorithm.scheduler.quantile_fraction is nan, but it must be a number"),
    ("+algorithm.scheduler.perturbation_factors=[inf]", "perturbation_factors is inf, but it must be a number"),
    ("price=custom price.per_device_hour_usd=nan", "price.per_device_hour_usd is nan, but it must be a number of dollars >= 0"),
    ("budget=epochs:inf", "budget is 'epochs:inf'"),
    ("record.test_rows=100", "record.test_rows is 100, but algorithm=pbt makes no recording"),
    ("record.test_rows=1", "record.test_rows is 1, but it must be a whole number from 2"),
    ("record.test_rows=all", "record.test_rows is 'all', but it must be a whole number from 2"),
    ("trials=none", "algorithm.trials is 'none', but it must be a whole number"),
    # lists, nested lists, and what stands in them
    (f"{BATCH}.values=[[16,32],64]", "a choice lists [16, 32], but each value must be a number, text or null"),
    (f"{BATCH}.values=[{{a:1}}]", "a choice lists {'a': 1}, but each value must be"),
    (f"{BATCH}.values=[16,true]", "a choice lists True, but each value must be"),
    (f"{BATCH}.values=[16,nan]", "a choice lists nan, but each value must be"),
    (f"{BATCH}.values=[16,null]", "space.batch_size reaches a value that can't be trained with: batch_size is null"),
    (f"{BATCH}.values=16", "space.batch_size.values is 16, but it must be a list"),
    (f"{BATCH}.values=[]", "no values, but it must list at least one"),
    ("task.metrics=3", "task.metrics is [3], but 3 is not a metric"),
    ("task.metrics=[[accuracy]]", "['accuracy'] is not a metric"),
    ("task.metrics=true", "task.metrics is [True]"),
    ("+algorithm.scheduler.mutated=[[learning_rate]]", "mutated is ['learning_rate'], but it must be text"),
    (f"{LR}=[1,2]", "space.learning_rate is [1,2], but it must be of the same form as what it replaces"),
    ("plugins=null", "plugins is None, but it must be a list of modules"),
    # mappings: null, a number or a list in their place
    ("hparams=null", "hparams is null, but it must be a mapping of settings"),
    ("~hparams +hparams=3", "hparams is 3, but it must be a mapping of settings"),
    ("training=null", "training is null, but it must be a mapping of settings"),
    ("~resources +resources=[1]", "resources is [1], but it must be a mapping of settings"),
    ("algorithm.searcher=null", "algorithm.searcher is null, but it must be given"),
    ("task=null", "task is 'null', but it must be one of cola, csv, entail"),
    ("space=null", "space is 'null', but it must be one of"),
    ("model=[a]", "model is '[a]', but it must be one of"),
    ("protocol=3", "protocol is '3', but it must be one of"),
    ("~protocol +protocol=3", "protocol is missing"),
    (f"{LR}=5", "space.learning_rate.type is 5, but it must be one of float, int, choice"),
    (f"{LR}.type=[float]", "space.learning_rate.type is ['float'], but it must be one of"),
    (f"{LR}.type=null", "space.learning_rate.type is null"),
    # text
    ("results=[a]", "results is ['a'], but it must be a folder"),
    ("results=null", "results is null, but it must be a folder"),
    ("results=hf://bucket/x", "results is 'hf://bucket/x', but it must be a folder, or an address such as s3://BUCKET/FOLDER"),
    ("results=~no_such_user_at_all/x", "no such user's home"),
    ("study=a/b", "study is 'a/b', but it becomes a folder's name"),
    ("study=null", "study is null, but it becomes a folder's name"),
    ("algorithm.name=a/b", "algorithm.name is 'a/b', but it becomes a folder's name"),
    ("model.name=[a]", "model.name is ['a']"),
    ("model.source=null", "model.source is null, but it must be micro, minilm, a folder or a hub id"),
    ("resources.hang_seconds=soon", "resources.hang_seconds is 'soon', but it must be auto (20 times what it should take"),
    ("resources.hang_seconds=0", "resources.hang_seconds is 0, but it must be auto"),
    ("resources.address=[a]", "resources.address is ['a'], but it must be the address of a Ray cluster"),
    ("resources.address=", "resources.address is ''"),
    ("price.source=[a]", "price.source is ['a'], but it must be text"),
    ("view=[auto]", "view is ['auto'], but it must be one of"),
    ("energy=[USA]", "energy is ['USA']"),
    ("engine.name=[a]", "engine is {'name': ['a']}"),
    # a domain of a type that the hyperparameter is not
    (
        NO_BATCH + "{type:float,low:16,high:64}",
        "space.batch_size.type is float, but batch_size is a whole number: give type:int",
    ),
    (NO_BATCH + "{type:int,low:16,high:64.5}", "bounds 16 and 64.5, but they must be whole numbers"),
    (NO_BATCH + "{type:int,low:0,high:64}", "reaches a value that can't be trained with: batch_size is 0"),
    ("+space.num_epochs={type:float,low:1,high:3}", "num_epochs is a whole number: give type:int"),
    ("+space.lr_schedule={type:float,low:0,high:1}", "lr_schedule is text: give space.lr_schedule={type:choice"),
    ("+space.lr_schedule={type:choice,values:[linear,quadratic]}", "lr_schedule is 'quadratic'"),
    ("+space.hidden_dropout={type:choice,values:[null,x]}", "hidden_dropout is 'x', but it must be a number"),
    # what is no setting at all
    ("pbt", "'pbt' is not NAME=VALUE"),
    ("--dry-run", "--dry-run is no option: settings are given as NAME=VALUE, here dry_run=VALUE"),
    ("--keep=winner", "here keep=winner"),
    ("trials=8 algorithm.trials=3", "trials=8 and algorithm.trials=3 are one setting, of which trials is the short name"),
    ("space.x={a:b", "close each bracket"),
    ("algorithm=grid,random", "algorithm=grid,random lists several values: give -m"),
    ("--config-dir /nowhere", "--config-dir is '/nowhere', but it must be a folder"),
]


@pytest.mark.parametrize(("arguments", "says"), BAD, ids=[arguments[:60] for arguments, _ in BAD])
def test_a_bad_setting_is_one_message(arguments: str, says: str) -> None:
    said = complaint(*arguments.split())
    assert says in said
    assert len(said.splitlines()) == 1


MISTAKES = [
    (["task=snli"], ["task is 'snli'", "entail", "mrpc", "csv"]),
    (["model=gpt"], ["model is 'gpt'", "micro"]),
    (["price=v100"], ["price is 'v100'", "v100-2020"]),
    (["task.train_file=x"], ["task.train_file is a setting of task=csv", "this command has another task: add task=csv"]),
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
    (["algorithm=bayesopt", "+algorithm.scheduler.reduction_factor=1"], ["reduction_factor is 1", ">= 2"]),
    (["algorithm=bayesopt", "algorithm.searcher.name=gpp"], ["algorithm.searcher.name is 'gpp'", "gp"]),
    (
        ["algorithm=pbt", "+algorithm.scheduler.quantile=0.1"],
        ["algorithm.scheduler.quantile does not exist", "quantile_fraction"],
    ),
    (["algorithm=pbt_replay"], ["algorithm.searcher.source"]),
    (["budget=epochs"], ["budget is 'epochs'", "budget=epochs:54"]),
    (["budget=dollars:-1"], ["budget is 'dollars:-1'", "above 0"]),
    (["resources.gpus_per_trial=1.5"], ["resources.gpus_per_trial is 1.5"]),
    (["training.precision=fp16"], ["training.precision is 'fp16'", "bf16"]),
    (["study=../x"], ["study is '../x'", "letters"]),
    (["repeat=-1"], ["repeat is -1"]),
    (["protocol=blog2020", "+protocol.group_by=pair"], ["protocol.group_by is not a setting of protocol=blog2020"]),
    (["task=csv"], ["task.train_file"]),
]


@pytest.mark.parametrize(("arguments", "says"), MISTAKES, ids=[" ".join(arguments)[:60] for arguments, _ in MISTAKES])
def test_a_mistake_names_what_is_wrong_and_what_there_is(arguments: list[str], says: list[str]) -> None:
    said = complaint(*arguments)
    assert [part for part in says if part not in said] == [], said
    assert len(said.splitlines()) == 1


ODD = [None, True, "no", "", -1, 0, 3, 1.5, math.inf, -math.inf, math.nan, 10**400, [], [1], [["x"]], [None], {}, {"a": 1}]


def places(values: dict[str, Any], *above: str) -> Iterator[tuple[str, ...]]:
    """Of every setting and every mapping of settings."""
    for name, value in values.items():
        yield (*above, name)
        if isinstance(value, dict):
            yield from places(value, *above, name)


DEFAULTS = to_plain(composed([]))
TABLE = to_plain(composed(["task=csv", "task.train_file=a.csv", "task.text_a=a", "task.label=b", "algorithm=bayesopt"]))


@given(base=st.sampled_from([DEFAULTS, TABLE]), data=st.data(), value=st.sampled_from(ODD))
@settings(max_examples=400, deadline=None)
def test_no_value_of_any_setting_ends_in_a_traceback(base: dict[str, Any], data: st.DataObject, value: Any) -> None:
    *above, name = data.draw(st.sampled_from(list(places(base))))
    values = copy.deepcopy(base)
    within = values
    for step in above:
        within = within[step]
    within[name] = value
    try:
        from_plain(values)
        said = ""
    except UserError as error:
        said = str(error)
    named = not said or name in said or (above and above[-1] in said)
    assert named or (isinstance(value, dict) and "'a'" in said), "a mapping's own names are blamed, or the setting is"


def test_a_dropout_may_be_chosen_among_numbers_and_the_models_own() -> None:
    domain = read("+space.hidden_dropout={type:choice,values:[null,0.1,0.3]}").space.domains["hidden_dropout"]
    assert isinstance(domain, Choice)
    assert domain.values == (None, 0.1, 0.3)


def test_a_whole_number_may_stand_in_a_choice_of_an_epoch_count() -> None:
    assert read("+space.num_epochs={type:choice,values:[2,4]}").max_epochs == 4
    with pytest.raises(UserError, match=r"num_epochs is 2\.5, but it must be a whole number"):
        read("+space.num_epochs={type:choice,values:[2,2.5]}")


def test_a_table_that_is_given_like_a_file_is_told_how_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "task.train_file" not in complaint("feedback.csv"), "there is no such file"
    (tmp_path / "feedback.csv").write_text("text,label\n")
    assert "task=csv task.train_file=feedback.csv task.text_a=COLUMN task.label=COLUMN" in complaint("feedback.csv")
