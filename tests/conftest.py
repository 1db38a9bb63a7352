"""One thread a process: tests run side by side, as trials do. And the real GLUE files, where this machine has them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"
os.environ.setdefault("HF_HUB_OFFLINE", "1")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def glue() -> Path:
    """The folder with mrpc/ and rte/: $TUNEOFF_DATA, else ../shared/data beside the repository."""
    folder = Path(os.environ.get("TUNEOFF_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "rte" / "train.tsv").is_file() or not (folder / "mrpc" / "train.tsv").is_file():
        pytest.skip(f"the real GLUE files are not in {folder} (TUNEOFF_DATA can name their folder)")
    return folder


@pytest.fixture(scope="module", autouse=True)
def _ray_ends_with_its_module() -> Iterator[None]:
    """A runtime that a module's tests started would be taken for theirs by those of the next one."""
    yield
    ray = sys.modules.get("ray")
    if ray is not None and ray.is_initialized():
        ray.shutdown()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that start commands come first: with two processes, a file of minutes at the end would leave one idle."""
    items.sort(key=lambda item: _LONGEST_FIRST.get(item.path.name, len(_LONGEST_FIRST)))


_LONGEST_FIRST = {
    name: rank
    for rank, name in enumerate(
        (
            "test_resume.py",
            "test_searches.py",
            "test_warm_workers.py",
            "test_bad_input.py",
            "test_trainer.py",
            "test_exploit_bytes.py",
            "test_tutorial.py",
        )
    )
}
