"""python -m benchmarks.speed.population_arm SETTING FOLDER documented|tuned SEED bf16|fp32: PBT over Trainer, in its process.

documented follows Ray's example "Using Huggingface Transformers with Tune" (ray.tune.examples.pbt_transformers, as installed):
its TrainingArguments, its scheduler, its checkpoint configuration. What had to differ: rows and model are the benchmark's,
num_train_epochs is fixed instead of drawn from 2 to 5, the batch size stays what it is, the range of learning rates is the
benchmark's, `logging_dir` and
`local_dir` are gone from the libraries (`storage_path`), transformers 5 fails under `log_to_file`, and the metric is called
eval_accuracy. Its num_to_keep=1 deletes checkpoints that members still wait for as soon as there are more members than
slots (3 of 8 failed with "Could not recover from checkpoint as it does not exist on storage anymore"): KEPT. A callback that
keeps a ledger is added.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from ray.tune import Callback

from benchmarks.speed.setting import WEIGHT_DECAYS, Setting

METRIC = "eval_accuracy"
KEPT = 4
"""Checkpoints of a member; as many as ours keeps references to."""


class Ledger(Callback):  # type: ignore[misc]
    """One line a result. seconds: since the trial's previous result, as Ray counts, restoring and imports included."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def on_trial_result(self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any) -> None:  # noqa: ARG002
        if METRIC not in result:
            return
        line = {
            "trial": trial.trial_id,
            "epoch": result["epoch"],
            "accuracy": result[METRIC],
            "time": time.time(),
            "seconds": result["time_this_iter_s"],
        }
        with self._file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(line) + "\n")


def arguments_of(setting: Setting, folder: Path, *, documented: bool, seed: int, bf16: bool) -> dict[str, Any]:
    """tuned: what TrainingArguments offers to make it cheaper. save_strategy must stay, or Tune is given no checkpoint."""
    common = {
        "output_dir": str(folder / "trainer"),
        "learning_rate": 1e-5,
        "do_train": True,
        "do_eval": True,
        "use_cpu": True,
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "num_train_epochs": setting.epochs,
        "max_steps": -1,
        "per_device_train_batch_size": 16,
        "per_device_eval_batch_size": 16,
        "warmup_steps": 0,
        "weight_decay": 0.1,
        "skip_memory_metrics": True,
        "report_to": "none",
        "seed": seed,
    }
    if documented:
        return {**common, "load_best_model_at_end": True}
    return {
        **common,
        "load_best_model_at_end": False,
        "save_only_model": True,
        "save_total_limit": 1,
        "bf16": bf16,
        "disable_tqdm": True,
    }


def search(setting: Setting, folder: Path, *, documented: bool, seed: int, bf16: bool) -> None:
    import ray
    from ray import tune
    from ray.tune import CheckpointConfig, CLIReporter
    from ray.tune.schedulers import PopulationBasedTraining
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments, set_seed

    from benchmarks.speed.trainer_trial import accuracy, model_init_and_data

    set_seed(seed)  # Ray's scheduler and domains draw from the global generators
    model_init, tokenizer, train, dev = model_init_and_data(setting, pad=documented)
    arguments = TrainingArguments(**arguments_of(setting, folder, documented=documented, seed=seed, bf16=bf16))
    trainer = Trainer(
        model_init=model_init,
        args=arguments,
        train_dataset=train,
        eval_dataset=dev,
        compute_metrics=accuracy,
        data_collator=None if documented else DataCollatorWithPadding(tokenizer),
    )
    tune_config = {
        "per_device_train_batch_size": setting.batch_size,
        "per_device_eval_batch_size": setting.batch_size,
        "num_train_epochs": setting.epochs,
        "max_steps": -1,
    }
    scheduler = PopulationBasedTraining(
        time_attr="training_iteration",
        metric=METRIC,
        mode="max",
        perturbation_interval=1,
        hyperparam_mutations={
            "weight_decay": tune.uniform(*WEIGHT_DECAYS),
            "learning_rate": tune.uniform(min(setting.learning_rates), max(setting.learning_rates)),
        },
    )
    reporter = CLIReporter(
        parameter_columns={
            "weight_decay": "w_decay",
            "learning_rate": "lr",
            "per_device_train_batch_size": "train_bs/gpu",
            "num_train_epochs": "num_epochs",
        },
        metric_columns=[METRIC, "eval_loss", "epoch", "training_iteration"],
    )
    ray.init("local", num_cpus=setting.slots, include_dashboard=False)
    trainer.hyperparameter_search(
        hp_space=lambda _: tune_config,
        backend="ray",
        n_trials=setting.members,
        resources_per_trial={"cpu": 1, "gpu": 0},
        scheduler=scheduler,
        checkpoint_config=CheckpointConfig(num_to_keep=KEPT, checkpoint_score_attribute="training_iteration"),
        stop=None,
        progress_reporter=reporter,
        storage_path=str(folder),
        name="tune_transformer_pbt",
        callbacks=[Ledger(folder / "ledger.jsonl")],
        **({} if documented else {"reuse_actors": True}),
    )


def main() -> None:
    setting, folder, arm, seed, precision = sys.argv[1:]
    where = Path(folder)
    where.mkdir(parents=True, exist_ok=True)
    search(Setting.load(Path(setting)), where, documented=arm == "documented", seed=int(seed), bf16=precision == "bf16")


if __name__ == "__main__":
    main()
