"""python -m benchmarks.speed.trainer_arm SETTING FOLDER stock|tuned|probe SEED bf16|fp32: one arm, in its own process.

stock follows transformers' page on hyperparameter search: model_init, compute_metrics, hp_space, resources_per_trial.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.speed.setting import Setting

PROBE_STEPS = 7
"""The first is not counted."""


def make_trainer(setting: Setting, folder: Path, arm: str, *, seed: int, bf16: bool, callbacks: list[Any]) -> Any:
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    from benchmarks.speed.trainer_trial import accuracy, model_init_and_data

    stock = arm == "stock"
    model_init, tokenizer, train, dev = model_init_and_data(setting, pad=stock)
    tuned: dict[str, Any] = {} if stock else {"bf16": bf16, "save_strategy": "no", "report_to": "none"}
    arguments = TrainingArguments(
        output_dir=str(folder / "trainer"),
        eval_strategy="epoch",
        num_train_epochs=setting.epochs,
        use_cpu=True,
        per_device_train_batch_size=setting.batch_size,
        per_device_eval_batch_size=setting.batch_size,
        seed=seed,
        disable_tqdm=True,
        **tuned,
    )
    return Trainer(
        model=None,
        args=arguments,
        train_dataset=train,
        eval_dataset=dev,
        compute_metrics=accuracy,
        model_init=model_init,
        callbacks=callbacks,
        data_collator=None if stock else DataCollatorWithPadding(tokenizer),
    )


def search(setting: Setting, folder: Path, arm: str, *, seed: int, bf16: bool) -> None:
    """Writes result.json: Ray's own account of each trial."""
    import ray
    from ray import tune

    from benchmarks.speed.trainer_trial import Meter

    trainer = make_trainer(setting, folder, arm, seed=seed, bf16=bf16, callbacks=[Meter(str(folder / "meter.jsonl"))])
    ray.init("local", num_cpus=setting.slots, include_dashboard=False)
    tuned = {} if arm == "stock" else {"reuse_actors": True}
    best = trainer.hyperparameter_search(
        hp_space=lambda _: {"learning_rate": tune.grid_search(list(setting.learning_rates))},
        backend="ray",
        n_trials=1,
        direction="maximize",
        compute_objective=lambda metrics: metrics["eval_accuracy"],
        resources_per_trial={"cpu": 1, "gpu": 0},
        storage_path=str(folder),
        name="tune",
        **tuned,
    )
    trials = [
        {
            "learning_rate": trial.config["learning_rate"],
            "seconds": trial.last_result["time_total_s"],
            "accuracy": trial.last_result["eval_accuracy"],
        }
        for trial in best.run_summary.trials
    ]
    (folder / "result.json").write_text(json.dumps(trials), encoding="utf-8")


def probe(setting: Setting, folder: Path) -> None:
    """Writes probe.json: median seconds of a training step as the tuned arm makes it, in fp32 and in bf16."""
    import torch

    from benchmarks.speed.trainer_trial import StepClock

    torch.set_num_threads(1)
    seconds = {}
    for name in ("fp32", "bf16"):
        clock = StepClock()
        trainer = make_trainer(setting, folder, "tuned", seed=0, bf16=name == "bf16", callbacks=[clock])
        trainer.args.max_steps, trainer.args.eval_strategy = PROBE_STEPS, "no"
        trainer.train()
        seconds[name] = statistics.median(clock.seconds[1:])
    (folder / "probe.json").write_text(json.dumps(seconds), encoding="utf-8")


def main() -> None:
    setting, folder, arm, seed, precision = sys.argv[1:]
    where = Path(folder)
    where.mkdir(parents=True, exist_ok=True)
    if arm == "probe":
        probe(Setting.load(Path(setting)), where)
    else:
        search(Setting.load(Path(setting)), where, arm, seed=int(seed), bf16=precision == "bf16")


if __name__ == "__main__":
    main()
