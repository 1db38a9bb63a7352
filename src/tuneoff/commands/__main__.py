"""tuneoff run|report|...: the commands of an installed package; in a checkout also python -m benchmarks.run ..."""

from __future__ import annotations

import sys
from importlib import import_module

COMMANDS = {
    "run": "searches hyperparameters: one search, or a sweep of them",
    "report": "tables, figures and a page from the records of a study, with a verdict",
    "replay": "predicts searches from recorded trials, without training",
    "data": "looks at a task's rows: labels, lengths, duplicates, what is cut",
    "verify": "checks the records of a study against the protocol",
    "track": "sends a recorded study to TensorBoard, MLflow, W&B, Trackio or Optuna",
    "list": "algorithms, tasks, models, metrics, presets, one line each",
}


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in COMMANDS:
        wanted = name in ("-h", "--help")
        unknown = "" if wanted or not name else f"{name!r} is no command.\n"
        lines = "".join(f"  {command:7} {what}\n" for command, what in COMMANDS.items())
        print(
            f"{unknown}usage: tuneoff COMMAND ...   (tuneoff COMMAND --help says more)\n{lines}",
            end="",
            file=sys.stdout if wanted else sys.stderr,
        )
        sys.exit(0 if wanted else 2)
    sys.argv[:2] = [f"tuneoff {name}"]
    import_module(f"tuneoff.commands.{name}").command()


if __name__ == "__main__":
    main()
