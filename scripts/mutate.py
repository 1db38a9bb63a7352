"""python scripts/mutate.py PATH [PATH ...] --tests PATH [PATH ...] [--most 40] [--seed 0]

Do the tests notice mistakes? Plants one small mistake at a time in a module (another comparison, operator, number, boolean
or argument order), runs the tests on it in a process of its own, and lists those that no test found. The working tree is not
touched: a mistake exists only in the memory of its process. Equivalent mutants (which change nothing that can be observed)
count as not found.
"""

from __future__ import annotations

import argparse
import ast
import copy
import io
import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.abc import MetaPathFinder, SourceLoader
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src"
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "mean": "median", "floor": "ceil", "ceil": "floor"}
SECONDS = 120


@dataclass(frozen=True)
class Mistake:
    """label: line and change. tree: the whole module with it."""

    label: str
    tree: ast.Module


def mistakes(tree: ast.Module) -> Iterator[Mistake]:
    """Every single change that the tables above allow. Docstrings, annotations and texts of errors are left alone."""
    nodes = list(ast.walk(tree))
    skipped = {id(n) for holder in nodes for n in _uninteresting(holder)}
    for index, node in enumerate(nodes):
        if id(node) in skipped:
            continue
        for what, change in _changes(node):
            mutant = copy.deepcopy(tree)
            change(list(ast.walk(mutant))[index])
            yield Mistake(f"line {getattr(node, 'lineno', 0)}: {what}", ast.fix_missing_locations(mutant))


def _uninteresting(node: ast.AST) -> Iterator[ast.AST]:
    parts: list[ast.AST | None] = []
    if isinstance(node, ast.arg | ast.AnnAssign):
        parts = [node.annotation]
    elif isinstance(node, ast.FunctionDef):
        parts = [node.returns, *node.decorator_list]
    elif isinstance(node, ast.ClassDef):
        parts = [*node.decorator_list]
    elif isinstance(node, ast.Raise | ast.JoinedStr | ast.ImportFrom | ast.Import):
        parts = [node]
    for part in parts:
        if part is not None:
            yield from ast.walk(part)


def _changes(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], None]]]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        other = COMPARISONS[type(node.ops[0])]
        yield f"{type(node.ops[0]).__name__} -> {other.__name__}", lambda n: n.ops.__setitem__(0, other())  # type: ignore[attr-defined]
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in OPERATORS:
        swapped = OPERATORS[type(node.op)]
        yield f"{type(node.op).__name__} -> {swapped.__name__}", lambda n: setattr(n, "op", swapped())
    elif isinstance(node, ast.BoolOp):
        joined = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield f"{type(node.op).__name__} -> {joined.__name__}", lambda n: setattr(n, "op", joined())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        if isinstance(node.op, ast.USub):
            yield "without -", lambda n: setattr(n, "op", ast.UAdd())
        else:
            yield "without not", lambda n: n.__dict__.update(op=ast.Not(), operand=ast.UnaryOp(op=ast.Not(), operand=n.operand))  # type: ignore[attr-defined]
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{node.value} -> {not node.value}", lambda n: setattr(n, "value", not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        value = node.value + 1 if isinstance(node.value, int) else node.value * 1.1 + 0.01
        yield f"{node.value} -> {value}", lambda n: setattr(n, "value", value)
    elif isinstance(node, ast.Name | ast.Attribute):
        name = node.id if isinstance(node, ast.Name) else node.attr
        if name in NAMES:
            key = "id" if isinstance(node, ast.Name) else "attr"
            yield f"{name} -> {NAMES[name]}", lambda n: setattr(n, key, NAMES[name])
    elif isinstance(node, ast.IfExp):
        yield "branches swapped", lambda n: n.__dict__.update(body=n.orelse, orelse=n.body)  # type: ignore[attr-defined]


class _Mutated(SourceLoader, MetaPathFinder):
    """Imports one module from a changed tree, and all others as they are."""

    def __init__(self, name: str, path: Path, tree: ast.Module) -> None:
        self.name, self.path, self.tree = name, path, tree

    def find_spec(self, fullname: str, path: object = None, _target: object = None) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        found = PathFinder.find_spec(fullname, path)  # type: ignore[arg-type]
        assert found is not None
        found.loader = self
        return found

    def get_filename(self, _fullname: str) -> str:
        return str(self.path)

    def get_data(self, _path: str | bytes) -> bytes:
        raise OSError("no cached bytecode")

    def get_code(self, _fullname: str):  # type: ignore[no-untyped-def]
        return compile(self.tree, str(self.path), "exec")


def tests_fail(path: Path, tree: ast.Module, tests: list[str]) -> bool:
    """Whether a test fails, or the time is up, with this tree in place of the module. In a forked process."""
    child = os.fork()
    if child == 0:
        import signal

        import pytest

        signal.alarm(SECONDS)
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
        sys.meta_path.insert(0, _Mutated(name, path, tree))
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            code = pytest.main(["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *tests])
        os._exit(int(code))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--tests", nargs="+", required=True)
    parser.add_argument("--most", type=int, default=40, help="mistakes a module, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    import hypothesis  # noqa: F401 - loaded once, before the forks
    import numpy  # noqa: F401
    import pandas  # noqa: F401
    import scipy.stats  # noqa: F401

    planted = noticed = 0
    for path in (p.resolve() for p in options.paths):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if tests_fail(path, tree, options.tests):
            sys.exit(f"the tests fail without a mistake in {path.name} already: nothing can be found out")
        made = list(mistakes(tree))
        chosen = random.Random(options.seed).sample(made, min(options.most, len(made)))
        hits = 0
        for mistake in chosen:
            if tests_fail(path, mistake.tree, options.tests):
                hits += 1
            else:
                print(f"  not found: {path.name}, {mistake.label}", flush=True)
        planted, noticed = planted + len(chosen), noticed + hits
        print(f"{path.relative_to(SOURCE)}: {hits} of {len(chosen)} found ({len(made)} possible)", flush=True)
    print(f"{noticed} of {planted} found, {100 * noticed / max(planted, 1):.0f} %")


if __name__ == "__main__":
    main()
