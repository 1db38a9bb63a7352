"""One direction: conf -> RunConfig -> study -> trial -> finetune -> records -> report. Nothing flows back."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "tuneoff"

FORBIDDEN = {
    "training": ("ray", "hydra", "omegaconf"),
    "model": ("ray", "hydra", "omegaconf"),
    "records": ("ray", "torch", "hydra"),
    "space.py": ("ray", "torch", "hydra"),
    "hparams.py": ("ray", "torch", "hydra"),
    "price.py": ("ray", "torch", "hydra"),
    "report": ("ray", "torch", "hydra", "transformers"),
    "task": ("ray", "torch", "hydra"),
    "config.py": ("ray", "torch"),
    "algorithms": ("torch", "hydra", "transformers"),
    "study": ("hydra", "omegaconf"),
    "execution": ("hydra", "omegaconf"),
    "execution/trainable.py": ("torch", "transformers"),
    "execution/messages.py": ("ray", "torch"),
    "execution/worker_locks.py": ("ray", "torch"),
    "execution/actor.py": ("torch", "transformers"),
    "execution/worker_pool.py": ("torch",),
    "training/engines": ("ray", "hydra"),
    "study/stored_cell.py": ("ray", "torch"),
}


@pytest.mark.parametrize("part", FORBIDDEN)
def test_a_part_does_not_import_what_it_must_not_know(part):
    path = SOURCE / part
    files = [path] if path.suffix == ".py" else sorted(path.rglob("*.py"))
    assert files
    for file in files:
        for module in imported(file):
            assert module.split(".")[0] not in FORBIDDEN[part], f"{file.name} imports {module}"


def test_only_entry_points_know_hydra():
    for file in set(SOURCE.rglob("*.py")) - set((SOURCE / "commands").rglob("*.py")):
        assert not {"hydra", "omegaconf"} & {m.split(".")[0] for m in imported(file)}, file


def test_reading_settings_starts_neither_torch_nor_ray():
    code = "import sys, tuneoff.config; print(sorted({'torch', 'ray', 'transformers'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_ray_can_be_started_and_rows_read_before_torch_is_imported():
    code = (
        "import sys, tuneoff.study.session, tuneoff.study.stored_cell, tuneoff.training.engines.finetune; "
        "print(sorted({'torch', 'transformers', 'ray.tune'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_ray_tune_holds_as_a_trial_imports_nothing_that_trains():
    code = (
        "import sys, tuneoff.execution.trainable, tuneoff.execution.actor; "
        "print(sorted({'torch', 'transformers', 'tuneoff.execution.worker'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def imported(file: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return names
