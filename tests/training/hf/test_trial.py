"""A trial is the Trainer's own train(): the same numbers as by hand, whole or cut off and resumed; copies act at once."""

import copy
import functools
import math

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, TrainerCallback, TrainingArguments, set_seed
from transformers.trainer_callback import EarlyStoppingCallback

from tests.training.hf import glue_script
from tests.training.hf.conftest import trained, trainer_of
from tests.training.hf.rows import SIZES
from tuneoff.errors import UserError
from tuneoff.training import state_file
from tuneoff.training.hf import drive
from tuneoff.training.hf.export import export
from tuneoff.training.protocol import Diverged, OutOfTime

N = SIZES["train"]


def by_hand(hparams, *, seed=7, more=""):
    """Metrics that the same Trainer logs when its user runs it."""
    values = f"--num_train_epochs {hparams['num_epochs']} --learning_rate {hparams['learning_rate']} --use_cpu True "
    values += f"--per_device_train_batch_size {hparams['batch_size']} --weight_decay {hparams['weight_decay']} --seed {seed} "
    set_seed(seed)
    trainer, _ = glue_script.make_trainer(hparams["data_dir"], more=values + more)
    trainer.train()
    return [log for log in trainer.state.log_history if "eval_loss" in log]


def numbers(found):
    return [(e.examples_seen, e.validation.metrics["accuracy"], e.validation.loss) for e, _ in found]


@pytest.mark.parametrize("more", ["", "--gradient_accumulation_steps 2 --label_smoothing_factor 0.1 --warmup_steps 3"])
def test_a_trial_has_the_numbers_of_the_same_trainer_run_by_hand(hparams, more):
    found = trained(trainer_of(), {**hparams, "more": more})
    logs = by_hand(hparams, more=more)
    assert [(e.validation.metrics["accuracy"], e.validation.loss) for e, _ in found] == [
        (log["eval_accuracy"], log["eval_loss"]) for log in logs
    ]
    assert [e.done for e, _ in found] == [False, True]
    assert [e.examples_seen for e, _ in found] == [N, 2 * N]


@pytest.mark.parametrize(("cut", "sampling"), [(0, "random"), (2, "random"), (0, "group_by_length")])
def test_a_trial_that_is_cut_off_goes_on_bit_for_bit(hparams, tmp_path, cut, sampling):
    """cut: behind which evaluation; the first is in the middle of an epoch."""
    values = {**hparams, "more": f"--eval_strategy steps --eval_steps 2 --train_sampling_strategy {sampling}"}
    trainer = trainer_of(points=3)
    whole = trained(trainer, values)
    state_file.write(whole[cut][1], tmp_path / "state.safetensors")
    state = state_file.read(tmp_path / "state.safetensors")
    assert numbers(trained(trainer, values, state=state)) == numbers(whole)[cut + 1 :]


def test_a_test_score_changes_nothing(hparams):
    tested, not_tested = trainer_of(), trainer_of(wants_test=lambda _: False)
    found = trained(tested, hparams)
    assert numbers(trained(not_tested, hparams)) == numbers(found)
    assert [len(e.test.predictions) for e, _ in found] == [SIZES["test"]] * 2


class Spy(TrainerCallback):
    """Notes what the optimiser steps with."""

    def __init__(self):
        self.seen = []

    def on_pre_optimizer_step(self, args, state, control, optimizer=None, **_):
        groups = optimizer.param_groups
        self.seen.append((groups[0]["lr"], groups[0]["weight_decay"], args.per_device_train_batch_size))


class Indices:
    """A training set that notes which rows are read."""

    def __init__(self, rows):
        self.rows, self.read = rows, []

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        self.read.append(int(index))
        return {key: self.rows[int(index)][key] for key in ("input_ids", "attention_mask", "token_type_ids", "label")}


@pytest.fixture
def watched(data):
    """A function that makes the script's Trainer, and lists of what each Trainer's optimiser stepped with and read."""
    spies, reads = [], []

    def make_watched(more="", learning_rate=None):
        extra = "" if learning_rate is None else f" --learning_rate {learning_rate}"
        trainer, test = glue_script.make_trainer(data, more=more + extra)
        spies.append(Spy())
        trainer.add_callback(spies[-1])
        trainer.train_dataset = Indices(trainer.train_dataset)
        reads.append(trainer.train_dataset.read)
        return trainer, test

    return make_watched, spies, reads


@pytest.mark.parametrize(
    ("evaluated", "position", "changed"),
    [("--eval_strategy epoch", 0, 24), *(("--eval_strategy steps --eval_steps 2", 32, changed) for changed in (8, 24, 32))],
)
def test_a_copy_steps_with_the_mutated_values_at_once_and_reads_the_examples_that_are_left(
    hparams, watched, evaluated, position, changed
):
    make, spies, reads = watched
    values = {**{k: hparams[k] for k in ("num_epochs", "batch_size", "weight_decay")}, "learning_rate": 1e-3, "more": evaluated}
    trainer = trainer_of(make, points=1 if position == 0 else 3)
    donor = trained(trainer, values)[0]
    assert donor[0].examples_seen == (position or N)
    mutated = {**values, "learning_rate": 4e-3, "weight_decay": 0.2, "batch_size": changed}
    copied = trained(trainer, mutated, state=donor[1], seed=99)
    steps, read = spies[-1].seen, reads[-1]

    left = 2 * N - donor[0].examples_seen
    first = N - position if position else N  # of the epoch in which it goes on
    total = 2 * math.ceil(N / changed)
    begin = total - math.ceil(first / changed) - (0 if position == 0 else math.ceil(N / changed))
    assert [rate for rate, _, _ in steps] == pytest.approx([4e-3 * (1 - k / total) for k in range(begin, total)])
    assert {(decay, size) for _, decay, size in steps} == {(0.2, changed)}
    assert len(read) == left
    before = reads[0][:position]
    assert sorted(before + read[:first]) == list(range(N)), "each example of the epoch once"
    assert copied[-1][0].examples_seen == 2 * N
    assert copied[-1][0].done


def test_a_changed_hyperparameter_that_is_sent_acts_at_the_next_step(hparams, watched):
    make, spies, _ = watched
    values = {"num_epochs": 2, "batch_size": 16, "learning_rate": 1e-3, "weight_decay": 0.0, "more": ""}
    trial = trainer_of(make).start(values, seed=1)
    next(trial)
    second = trial.send({**values, "weight_decay": 0.3, "learning_rate": 2e-3})
    assert second.done
    assert second.examples_seen == 2 * N
    assert {decay for _, decay, _ in spies[-1].seen} == {0.3}
    assert spies[-1].seen[0][0] == pytest.approx(1e-3), "half of the mutated rate: the schedule stands in the middle"


def test_moments_are_the_donors_and_the_settings_are_not(hparams, watched, monkeypatch):
    """Stock transformers would load the donor's learning rate and weight decay with the moments."""
    make, _, _ = watched
    values = {"num_epochs": 2, "batch_size": 16, "learning_rate": 1e-3, "weight_decay": 0.0, "more": ""}
    trainer = trainer_of(make)
    state = trained(trainer, values)[0][1]
    found = []
    original = drive.states.put_optimizer

    def put(state, trainer, *, step):
        original(state, trainer, step=step)
        found.append(copy.deepcopy(trainer.optimizer.state_dict()))

    monkeypatch.setattr(drive.states, "put_optimizer", put)
    trial = trainer.start({**values, "learning_rate": 2e-3, "weight_decay": 0.1}, seed=2, state=state)
    next(trial)
    trial.close()
    moments = {name: array for name, array in state.arrays.items() if name.startswith("moments/")}
    assert moments
    for name, array in moments.items():
        number, key = name.split("/")[1:]
        assert np.array_equal(found[0]["state"][int(number)][key].numpy(), array)
    assert {group["weight_decay"] for group in found[0]["param_groups"]} == {0.1, 0.0}
    assert {group["initial_lr"] for group in found[0]["param_groups"]} == {2e-3}


def test_an_evaluation_by_steps_counts_the_points_of_the_clock_that_it_passes(hparams):
    """6 steps an epoch: evaluated after 5, 10 and 12 steps, in epochs 0.83, 1.67 and 2."""
    values = {**hparams, "more": "--eval_strategy steps --eval_steps 5"}
    found = [e for e, _ in trained(trainer_of(points=3), values)]
    assert [(e.examples_seen, e.intervals) for e in found] == [(80, 2), (160, 3), (192, 1)]
    found = [e for e, _ in trained(trainer_of(points=1), values)]
    assert [(e.examples_seen, e.intervals) for e in found] == [(160, 1), (192, 1)], "the first passes no point of this clock"
    assert found[0].cost.train_steps == 10


def test_without_a_strategy_the_clock_says_when_to_evaluate(hparams):
    found = [e for e, _ in trained(trainer_of(points=2), {**hparams, "more": "--eval_strategy no"})]
    assert [e.examples_seen for e in found] == [N // 2, N, 3 * N // 2, 2 * N]


def test_costs_are_split_and_their_sum_is_the_time_that_passed(hparams):
    values = {**hparams, "more": "--save_strategy epoch"}
    first, last = (e.cost for e, _ in trained(trainer_of(), values))
    assert min(first.start_up_seconds, first.train_seconds, first.evaluate_seconds, first.save_seconds) > 0
    assert first.test_seconds > 0
    assert last.start_up_seconds == 0
    assert (first.train_steps, first.train_examples) == (N // 16, N)
    assert first.train_tokens == last.train_tokens > 8 * N
    assert last.save_seconds > 0, "the save behind the last evaluation counts as well"


class Events(TrainerCallback):
    names = (
        "on_train_begin",
        "on_epoch_begin",
        "on_step_end",
        "on_evaluate",
        "on_save",
        "on_log",
        "on_epoch_end",
        "on_train_end",
    )

    def __init__(self):
        self.seen = []
        for name in self.names:
            setattr(self, name, functools.partial(self._note, name))

    def _note(self, name, args, state, control, **_):
        self.seen.append((name, state.global_step))


def with_events(data, events, **more):
    def make_with_events(more=""):
        trainer, test = glue_script.make_trainer(data, more=more)
        trainer.add_callback(events)
        return trainer, test

    return make_with_events


def test_their_callbacks_see_what_they_would_by_hand(hparams, data):
    ours, theirs = Events(), Events()
    more = "--save_strategy epoch --logging_steps 4"
    values = {"num_epochs": 2, "batch_size": 16, "learning_rate": 1e-3, "weight_decay": 0.0, "more": more}
    trained(trainer_of(with_events(data, ours)), values)
    trainer, _ = with_events(data, theirs)(more=f"{more} --num_train_epochs 2 --per_device_train_batch_size 16")
    trainer.train()
    assert ours.seen == theirs.seen


def test_a_trial_that_is_stopped_ends_their_training_once_and_trains_no_more(hparams, data):
    events = Events()
    values = {"num_epochs": 3, "batch_size": 16, "learning_rate": 1e-3, "weight_decay": 0.0, "more": ""}
    trial = trainer_of(with_events(data, events)).start(values, seed=1)
    next(trial)
    trial.close()
    assert events.seen[-1] == ("on_train_end", N // 16)
    assert [name for name, _ in events.seen].count("on_step_end") == N // 16


def test_early_stopping_of_their_own_ends_a_trial(hparams, data):
    def make_impatient(more=""):
        flags = "--metric_for_best_model accuracy --greater_is_better True"
        trainer, test = glue_script.make_trainer(data, more=flags)
        trainer.add_callback(EarlyStoppingCallback(early_stopping_patience=1, early_stopping_threshold=1.0))
        return trainer, test

    found = trained(trainer_of(make_impatient), {"num_epochs": 9, "batch_size": 16, "learning_rate": 1e-5, "weight_decay": 0.0})
    assert [(e.epoch, e.done) for e, _ in found] == [(1.0, False), (2.0, True)]


def test_a_budget_of_time_ends_a_trial_between_two_evaluations_and_its_cost_is_told(hparams):
    calls = []
    trial = trainer_of(out_of_time=lambda: calls.append(1) or len(calls) > 3).start(hparams, seed=1)
    with pytest.raises(OutOfTime) as error:
        next(trial)
    assert error.value.cost.train_steps == 4
    assert error.value.cost.train_seconds > 0


def test_weights_that_are_not_numbers_diverge(hparams):
    with pytest.raises(Diverged, match="validation loss is nan") as error:
        trained(trainer_of(), {**hparams, "learning_rate": 1e30, "more": "--max_grad_norm 0 --optim sgd"})
    assert error.value.cost.train_examples == N


def test_a_metric_to_be_minimised_is_recorded_with_its_sign_turned(hparams):
    found = trained(trainer_of(metric="loss", direction="minimise"), hparams)[-1][0]
    assert found.validation.metrics["minus_loss"] == -found.validation.loss
    assert "accuracy" in found.validation.metrics


def test_the_objective_is_the_sum_of_what_compute_metrics_returns(hparams):
    metrics = trained(trainer_of(metric="objective"), hparams)[-1][0].validation.metrics
    assert metrics["objective"] == metrics["accuracy"] + metrics["f1"]


def test_a_trial_leaves_training_arguments_as_they_were(hparams):
    before = TrainingArguments.__post_init__
    trained(trainer_of(), hparams)
    assert TrainingArguments.__post_init__ is before
    assert TrainingArguments(output_dir="x").seed == 42


def test_half_precision_weights_survive_a_snapshot(hparams, data, tmp_path):
    def make_half(more=""):
        trainer, test = glue_script.make_trainer(data)
        trainer.model.to(torch.bfloat16)
        return trainer, test

    values = {"num_epochs": 2, "batch_size": 16, "learning_rate": 1e-3, "weight_decay": 0.0}
    trainer = trainer_of(make_half)
    whole = trained(trainer, values)
    state_file.write(whole[0][1], tmp_path / "half.safetensors")
    state = state_file.read(tmp_path / "half.safetensors")
    assert numbers(trained(trainer, values, state=state)) == numbers(whole)[1:]


READY = """
from tests.training.hf import glue_script
from transformers import AutoModelForSequenceClassification, Trainer

made, test = glue_script.make_trainer({data!r}, more="--learning_rate 1e-3")


def model_init():
    return AutoModelForSequenceClassification.from_pretrained(glue_script.MICRO, num_labels=2)


parts = dict(train_dataset=made.train_dataset, eval_dataset=made.eval_dataset, compute_metrics=made.compute_metrics)
trainer = Trainer(model_init=model_init, args=made.args, data_collator=made.data_collator, **parts)
trainer.test_dataset = test
"""


def test_a_trainer_with_model_init_is_searched_and_left_as_it_was(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ready_script.py").write_text(READY.format(data=data))
    trainer = trainer_of("ready_script:trainer")
    theirs = trainer.job.maker.make
    values = {"num_epochs": 2, "batch_size": 16, "learning_rate": 2e-3, "weight_decay": 0.1, "label_smoothing_factor": 0.1}
    whole = trained(trainer, values)
    assert numbers(trained(trainer, values)) == numbers(whole), "a trial leaves nothing to the next"
    assert numbers(trained(trainer, values, state=whole[0][1])) == numbers(whole)[1:]
    assert whole[0][0].hparams == values
    assert (theirs.args.learning_rate, theirs.args.num_train_epochs, theirs.label_smoother) == (1e-3, 3.0, None)
    assert theirs.evaluate.__self__ is theirs
    with pytest.raises(UserError, match="bf16 can't reach the TrainingArguments"):
        trained(trainer, {**values, "bf16": 1})


def test_the_weights_that_were_scored_become_a_model_and_a_tokenizer(hparams, tmp_path):
    trainer, wanted = trainer_of(), {**hparams, "num_epochs": 1}
    trial = trainer.start(wanted, seed=7)
    evaluation = next(trial)
    kept = trainer.weights_of(evaluation.capture())
    trial.close()
    assert all(name.startswith("weights/") for name in kept.arrays)
    state_file.write(kept, tmp_path / "kept.safetensors")
    export(trainer.job.maker, evaluation.hparams, state_file.read(tmp_path / "kept.safetensors"), seed=1, folder=tmp_path / "m")
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "m")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "m")
    rows = glue_script.read(f"{hparams['data_dir']}/test.csv")
    pairs = tokenizer(
        list(rows["sentence1"]), list(rows["sentence2"]), max_length=48, truncation=True, padding=True, return_tensors="pt"
    )
    with torch.inference_mode():
        predicted = model.eval()(**pairs).logits.argmax(-1)
    assert tuple(predicted.tolist()) == evaluation.test.predictions
