"""One direction: imports go from later packages to earlier ones, ours as well as third parties', lazy ones too."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "tuneoff"

ORDER = (
    ("errors",),
    ("garbage", "redaction", "evaluation", "hparams", "space", "seeds", "price", "budget", "plugins"),
    ("task",),
    ("model",),
    ("training",),
    ("records",),
    ("algorithms",),
    ("config",),
    ("execution",),
    ("replay",),
    ("study",),
    ("trackers",),
    ("report",),
    ("predictions",),
    ("verification",),
    ("commands",),
)
"""Each may import itself and what stands before it. Of the packages in one row, each may import the others."""
RANK = {name: rank for rank, row in enumerate(ORDER) for name in row}

HEAVY = ("hydra", "omegaconf", "ray", "torch", "transformers")
KNOWN = {
    "model": ("torch", "transformers"),
    "training": ("torch", "transformers"),
    "execution": ("ray", "torch"),
    "study": ("ray", "torch"),
    "commands": ("hydra", "omegaconf"),
}
"""The heavy libraries that a package may know; the others know none."""
LIGHT = {
    "execution/messages.py": ("ray", "torch"),
    "execution/tune_actor.py": ("torch",),
    "execution/actor.py": ("torch",),
    "execution/worker_pool.py": ("torch",),
    "study/stored_cell.py": ("ray", "torch"),
}
"""Modules that may know less than their package, because processes import them that must start fast."""
ASIDE = {"report": ("execution", "replay", "study", "trackers")}
"""Packages that stand below in the order, and that a package must not know all the same: a report needs records alone."""
MOST_ROOT_MODULES = 10


def part_of(file: Path) -> str:
    """The package or root module of a file: its first part below tuneoff."""
    return file.relative_to(SOURCE).parts[0].removesuffix(".py")


FILES = sorted(file for file in SOURCE.rglob("*.py") if file.parent != SOURCE or file.name != "__init__.py")


def test_every_package_has_its_place_in_the_order():
    assert {part_of(file) for file in FILES} <= set(RANK)


def test_the_root_holds_few_modules():
    assert len([file for file in SOURCE.glob("*.py") if file.name != "__init__.py"]) <= MOST_ROOT_MODULES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(SOURCE).as_posix())
def test_no_import_runs_against_the_order(file):
    here = part_of(file)
    for module in imported(file):
        if module.startswith("tuneoff."):
            other = module.split(".")[1]
            assert RANK[other] <= RANK[here], f"{file.relative_to(SOURCE)} imports {module}, which stands above it"
            assert other not in ASIDE.get(here, ()), f"{file.relative_to(SOURCE)} imports {module}, which it must not know"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(SOURCE).as_posix())
def test_a_part_does_not_import_a_library_that_it_must_not_know(file):
    known = KNOWN.get(part_of(file), ())
    less = LIGHT.get(file.relative_to(SOURCE).as_posix(), ())
    for module in imported(file):
        library = module.split(".")[0]
        assert library not in HEAVY or (library in known and library not in less), f"{file.name} imports {module}"


def test_a_planted_import_against_the_order_is_found(tmp_path):
    file = tmp_path / "planted.py"
    file.write_text(
        "def late():\n    from tuneoff import report\n    import tuneoff.study.run\n    from tuneoff.execution import worker\n"
    )
    assert imported(file) == ["tuneoff.report", "tuneoff.study.run", "tuneoff.execution.worker", "tuneoff.execution"]


def test_reading_settings_starts_neither_torch_nor_ray():
    assert loaded_by("tuneoff.config.reading", ("torch", "ray", "transformers")) == []


def test_verifying_a_study_starts_neither_torch_nor_ray():
    assert loaded_by("tuneoff.commands.verify", ("torch", "ray", "transformers")) == []


def test_ray_can_be_started_and_rows_read_before_torch_is_imported():
    modules = "tuneoff.study.session, tuneoff.study.stored_cell, tuneoff.training.engines.finetune"
    assert loaded_by(modules, ("torch", "transformers", "ray.tune")) == []


def test_a_worker_imports_neither_ray_tune_nor_what_trains_before_it_is_made():
    assert loaded_by("tuneoff.execution.actor", ("ray.tune", "torch", "transformers", "tuneoff.execution.worker")) == []


def test_a_worker_imports_no_ray_tune():
    assert loaded_by("tuneoff.execution.actor, tuneoff.execution.worker", ("ray.tune",)) == []


def loaded_by(modules: str, wanted: tuple[str, ...]) -> list[str]:
    """Those of `wanted` that importing `modules` loads, in a process of its own."""
    code = f"import sys, {modules}; print(*sorted({set(wanted)!r} & set(sys.modules)))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def imported(file: Path) -> list[str]:
    """Modules that a file imports, at any place; `from tuneoff import x` as tuneoff.x."""
    names = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            package = node.module.startswith("tuneoff") and node.module.count(".") < 2
            names += [f"{node.module}.{alias.name}" for alias in node.names] if package else []
            names += [node.module] if node.module != "tuneoff" else []
    return names
