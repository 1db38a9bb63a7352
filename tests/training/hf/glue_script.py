"""A Trainer script as transformers' own run_glue.py is written, with a function around it. It knows nothing of searches."""

import csv
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from datasets import Dataset
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    EvalPrediction,
    HfArgumentParser,
    Trainer,
    TrainingArguments,
    set_seed,
)

import tuneoff

MICRO = str(Path(tuneoff.__file__).parent / "assets" / "micro")


@dataclass
class DataTrainingArguments:
    data_dir: str = field(metadata={"help": "A folder with train.csv, validation.csv and test.csv."})
    max_seq_length: int = field(default=48, metadata={"help": "The maximum total input sequence length."})


@dataclass
class ModelArguments:
    model_name_or_path: str = field(metadata={"help": "Path to pretrained model."})
    hidden_dropout: float = field(default=0.1, metadata={"help": "Dropout of the hidden layers."})


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = ("sentence1", "sentence2")
    columns = {name: [row[name] for row in rows] for name in names}
    return Dataset.from_dict({**columns, "label": [int(row["label"]) for row in rows]})


def setup(argv):
    parser = HfArgumentParser((ModelArguments, DataTrainingArguments, TrainingArguments))
    model_args, data_args, training_args = parser.parse_args_into_dataclasses(args=argv)
    set_seed(training_args.seed)

    raw = {split: read(Path(data_args.data_dir) / f"{split}.csv") for split in ("train", "validation", "test")}
    config = AutoConfig.from_pretrained(
        model_args.model_name_or_path, num_labels=2, hidden_dropout_prob=model_args.hidden_dropout
    )
    tokenizer = AutoTokenizer.from_pretrained(model_args.model_name_or_path)
    model = AutoModelForSequenceClassification.from_pretrained(model_args.model_name_or_path, config=config)

    def preprocess_function(examples):
        pairs = (examples["sentence1"], examples["sentence2"])
        return tokenizer(*pairs, max_length=data_args.max_seq_length, truncation=True)

    data = {split: rows.map(preprocess_function, batched=True) for split, rows in raw.items()}

    def compute_metrics(p: EvalPrediction):
        preds = np.argmax(p.predictions[0] if isinstance(p.predictions, tuple) else p.predictions, axis=1)
        right = preds == p.label_ids
        hits = int((right & (preds == 1)).sum())
        return {"accuracy": float(right.mean()), "f1": 2 * hits / max(1, int((preds == 1).sum() + (p.label_ids == 1).sum()))}

    trainer = Trainer(
        model=model,
        args=training_args,
        train_dataset=data["train"],
        eval_dataset=data["validation"],
        compute_metrics=compute_metrics,
        processing_class=tokenizer,
        data_collator=DataCollatorWithPadding(tokenizer),
    )
    return trainer, data["test"]


def make_trainer(data_dir, hidden_dropout=0.1, more=""):
    """The function around it."""
    given = f"--model_name_or_path {MICRO} --data_dir {data_dir} --hidden_dropout {hidden_dropout}"
    fixed = "--output_dir out --eval_strategy epoch --save_strategy no --per_device_eval_batch_size 64 --disable_tqdm True"
    return setup(f"{given} {fixed} --report_to none --learning_rate 1e-3 {more}".split())


def main():
    trainer, test = setup(sys.argv[1:])
    trainer.train()
    trainer.evaluate()
    trainer.predict(test)


if __name__ == "__main__":
    main()
