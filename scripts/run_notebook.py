"""Executes a notebook's code cells, in order and in this process, and stores what they show. Needs no Jupyter.

python scripts/run_notebook.py docs/tutorial.ipynb [--folder DIR] [--output FILE]

Cells run in a temporary folder, or in DIR. Stored are what was printed, the value of a cell's last line as text, HTML or PNG,
and a hash of the code. Nothing is written where a cell fails: its traceback says why, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import ast
import base64
import hashlib
import io
import json
import sys
import types
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser(description="Executes a notebook and stores its outputs.")
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--output", type=Path, help="default: the notebook itself")
    parser.add_argument("--folder", type=Path, help="where the cells run; default: a temporary one")
    options = parser.parse_args()
    target = (options.output or options.notebook).resolve()
    notebook = json.loads(options.notebook.read_text(encoding="utf-8"))
    space, cells = as_main(), [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    with TemporaryDirectory() as temporary, chdir(options.folder or temporary):
        for number, cell in enumerate(cells, start=1):
            cell["execution_count"], cell["outputs"] = number, run("".join(cell["source"]), number, space)
    notebook["metadata"]["executed"] = sources_hash(notebook)
    target.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def sources_hash(notebook: dict[str, Any]) -> str:
    """Tells whether the code was edited after its outputs were stored."""
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()[:12]


def as_main() -> dict[str, Any]:
    """The names of a `__main__` without a file, as a notebook's kernel has it."""
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    sys.path[0] = ""
    return vars(module)


def run(source: str, number: int, space: dict[str, Any]) -> list[dict[str, Any]]:
    """The outputs of a cell. Standard error goes with what is printed."""
    body, last, printed, value = ast.parse(source, f"cell {number}").body, None, io.StringIO(), None
    if body and isinstance(body[-1], ast.Expr) and not source.rstrip().endswith(";"):
        last = ast.Expression(body.pop().value)  # type: ignore[attr-defined]
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            exec(compile(ast.Module(body, []), f"cell {number}", "exec", dont_inherit=True), space)
            if last is not None:
                value = eval(compile(last, f"cell {number}", "eval", dont_inherit=True), space)
    except BaseException:
        print(printed.getvalue(), file=sys.stderr)
        raise
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        outputs.append({"name": "stdout", "output_type": "stream", "text": printed.getvalue().splitlines(keepends=True)})
    if value is not None:
        outputs.append({"data": shown(value), "execution_count": number, "metadata": {}, "output_type": "execute_result"})
    return outputs


def shown(value: Any) -> dict[str, Any]:
    """A value by MIME type: a picture as PNG without its repr, which may name an address; a frame as HTML and text."""
    if png := (getattr(value, "_repr_png_", lambda: None)()):
        return {"image/png": base64.b64encode(png).decode("ascii"), "text/plain": [f"<{type(value).__name__}>"]}
    data: dict[str, Any] = {"text/plain": repr(value).splitlines(keepends=True)}
    if html := (getattr(value, "_repr_html_", lambda: None)()):
        data["text/html"] = html.splitlines(keepends=True)
    return data


if __name__ == "__main__":
    main()
