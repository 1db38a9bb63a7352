"""The notebook of docs runs from top to bottom, and holds what a run of it left."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.end_to_end.command import ROOT

NOTEBOOK = ROOT / "docs" / "tutorial.ipynb"
STORED = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
CODE = ("make-trainer", "search", "frame", "recommendation", "picture")


def executed(notebook: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """By the command in CONTRIBUTING.md, in another folder; what it stores is executed.ipynb there."""
    paths = [str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    return subprocess.run(
        [sys.executable, "scripts/run_notebook.py", notebook, "--folder", folder, "--output", folder / "executed.ipynb"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )


def code(notebook):
    return {cell["id"]: cell for cell in notebook["cells"] if cell["cell_type"] == "code"}


def text_of(cell):
    """What a cell printed or showed, as text."""
    parts = [
        part for o in cell["outputs"] for part in (o.get("text", []), *map(o.get("data", {}).get, ("text/plain", "text/html")))
    ]
    return "\n".join("".join(part) for part in parts if part)


def picture_of(cell):
    (output,) = cell["outputs"]
    return Image.open(io.BytesIO(base64.b64decode(output["data"]["image/png"])))


@pytest.mark.ray
def test_the_tutorial_runs_offline_from_top_to_bottom(tmp_path):
    done = executed(NOTEBOOK, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    made = json.loads((tmp_path / "executed.ipynb").read_text(encoding="utf-8"))
    cells, stored = code(made), code(STORED)
    assert made["metadata"] == STORED["metadata"], "the stored outputs are those of these sources"
    assert [cell["source"] for cell in made["cells"]] == [cell["source"] for cell in STORED["cells"]]
    for name, cell in cells.items():
        assert [sorted(o.get("data", {})) for o in cell["outputs"]] == [
            sorted(o.get("data", {})) for o in stored[name]["outputs"]
        ]
    assert picture_of(cells["picture"]).size == picture_of(stored["picture"]).size
    assert all(word in text_of(cells["frame"]) for word in ("default", "random", "pbt", "learning_rate", "dollars"))
    assert "No recommendation yet" in text_of(cells["recommendation"])
    assert (tmp_path / "results" / "tutorial" / "report" / "report.html").is_file()


def test_the_stored_notebook_has_the_outputs_of_a_run_and_names_no_machine():
    stored = code(STORED)
    assert tuple(stored) == CODE
    assert [cell["execution_count"] for cell in stored.values()] == list(range(1, len(CODE) + 1))
    assert set(STORED["metadata"]["kernelspec"].values()) == {"Python 3", "python", "python3"}
    assert not stored["make-trainer"]["outputs"]
    assert not stored["search"]["outputs"]
    assert min(picture_of(stored["picture"]).size) > 300
    shown = "\n".join(map(text_of, stored.values()))
    assert "results/tutorial/report/report.html" in shown
    assert not re.findall(r"(?:^|[\s'\"(=])/\w+/|[A-Z]:\\|0x[0-9a-f]{6}", shown), "an absolute path or an address"


def test_a_notebook_that_fails_leaves_nothing_and_says_why(tmp_path):
    cells = [{"cell_type": "code", "id": "a", "source": ["print('before')\n", "1 / 0"]}]
    (tmp_path / "fails.ipynb").write_text(json.dumps({"cells": cells, "metadata": {}}))
    done = executed(tmp_path / "fails.ipynb", tmp_path)
    assert done.returncode == 1
    assert "before" in done.stderr
    assert "ZeroDivisionError" in done.stderr
    assert not (tmp_path / "executed.ipynb").exists()
