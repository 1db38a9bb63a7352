"""The mistakes that can be planted in a module: small changes of its syntax tree that a person could make."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

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

GUARDS = frozenset(
    ("dtype", "encoding", "errors", "exist_ok", "foreach", "indent", "parents", "prefix", "separators", "setting", "strict")
)
"""Keywords that decide no number where the tests run: they guard, speed up, name, or choose the device."""


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """line: its number. first, last: lines of its statement. text: the line itself, stripped. change: in words;
    unique among the changes of a line."""

    line: int
    first: int
    last: int
    text: str
    change: str
    inside: bool
    """Whether it lies in a function's body, so that it acts when the function runs and not when the module is imported."""
    index: int = -1
    new: ast.AST | None = None
    """The node of the tree, in the order of ast.walk, that another one replaces."""
    edit: tuple[str, str] | None = None
    """Instead of a node: the text that another one replaces."""

    @property
    def name(self) -> str:
        """Stays the same where lines are added above."""
        return f"{self.text} | {self.change}"


def mistakes_in(source: str) -> list[Mistake]:
    """Every mistake that can be planted. Docstrings, annotations, decorators, assertions and texts of errors are left alone."""
    tree, lines = ast.parse(source), source.splitlines()
    nodes = list(ast.walk(tree))
    skipped = {id(n) for holder in nodes for n in _uninteresting(holder)}
    inside = {id(n) for f in nodes if isinstance(f, ast.FunctionDef | ast.Lambda) for n in _body(f)}
    spans = _spans(nodes)
    seen: Counter[tuple[int, str]] = Counter()
    made = []
    for index, node in enumerate(nodes):
        if id(node) in skipped:
            continue
        line = getattr(node, "lineno", 0)
        for change, new in _changes(node):
            seen[line, change] += 1
            count = seen[line, change]
            label = change if count == 1 else f"{change} (no. {count})"
            first, last = spans[id(node)]
            made.append(
                Mistake(
                    line=line,
                    first=first,
                    last=last,
                    text=lines[line - 1].strip(),
                    change=label,
                    index=index,
                    new=new,
                    inside=id(node) in inside,
                )
            )
    return made


def mistake_of(source: str, name: str, old: str, new: str) -> Mistake:
    """A mistake of a person's choice: `old`, which must be in the source once, becomes `new`. Raises ValueError otherwise."""
    if source.count(old) != 1:
        raise ValueError(f"{old!r} is {source.count(old)} times in the source, but it must be there once")
    first = source[: source.index(old)].count("\n") + 1
    last = first + old.strip("\n").count("\n")
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    inside = any(f.body[0].lineno <= first <= (f.end_lineno or 0) for f in functions)
    return Mistake(line=first, first=first, last=last, text=name, change="named", inside=inside, edit=(old, new))


def plant(source: str, mistake: Mistake) -> ast.Module:
    """The module's tree with the mistake."""
    if mistake.edit is not None:
        return ast.parse(source.replace(*mistake.edit))
    assert mistake.new is not None
    tree = ast.parse(source)
    old = list(ast.walk(tree))[mistake.index]
    return ast.fix_missing_locations(_Replacement(old, mistake.new).visit(tree))


class _Replacement(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return ast.copy_location(self.new, node) if node is self.old else self.generic_visit(node)


def _spans(nodes: list[ast.AST]) -> dict[int, tuple[int, int]]:
    """First and last line of the innermost statement around each node; of a compound one, of its head."""
    spans: dict[int, tuple[int, int]] = {}
    for node in nodes:  # outer ones come first
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            span = node.lineno, max(node.lineno, body[0].lineno - 1) if body else node.end_lineno or node.lineno
            spans.update((id(inner), span) for inner in ast.walk(node))
    return spans


def _body(node: ast.FunctionDef | ast.Lambda) -> Iterator[ast.AST]:
    for part in node.body if isinstance(node.body, list) else [node.body]:
        yield from ast.walk(part)


def _uninteresting(node: ast.AST) -> Iterator[ast.AST]:
    parts: list[ast.AST | None] = []
    if isinstance(node, ast.arg | ast.AnnAssign):
        parts = [node.annotation]
    elif isinstance(node, ast.FunctionDef):
        parts = [node.returns, *node.decorator_list]
    elif isinstance(node, ast.ClassDef):
        parts = [*node.decorator_list]
    elif _guards(node) or isinstance(node, ast.Raise | ast.Assert | ast.JoinedStr | ast.ImportFrom | ast.Import):
        parts = [node]
    for part in parts:
        if part is not None:
            yield from ast.walk(part)


def _guards(node: ast.AST) -> bool:
    return isinstance(node, ast.keyword) and node.arg in GUARDS


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        other = COMPARISONS[type(node.ops[0])]
        yield f"{type(node.ops[0]).__name__} -> {other.__name__}", _with(node, ops=[other(), *node.ops[1:]])
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in OPERATORS:
        swapped = OPERATORS[type(node.op)]
        yield f"{type(node.op).__name__} -> {swapped.__name__}", _with(node, op=swapped())
    elif isinstance(node, ast.BoolOp):
        joined = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield f"{type(node.op).__name__} -> {joined.__name__}", _with(node, op=joined())
        for i in range(len(node.values)):
            rest = [v for k, v in enumerate(node.values) if k != i]
            yield f"without operand {i + 1}", rest[0] if len(rest) == 1 else _with(node, values=rest)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        yield f"without {'-' if isinstance(node.op, ast.USub) else 'not'}", node.operand
    elif isinstance(node, ast.Constant):
        yield from _other_constant(node)
    elif isinstance(node, ast.Name | ast.Attribute):
        name = node.id if isinstance(node, ast.Name) else node.attr
        if name in NAMES:
            yield f"{name} -> {NAMES[name]}", _with(node, **{"id" if isinstance(node, ast.Name) else "attr": NAMES[name]})
    elif isinstance(node, ast.Call):
        yield from _other_call(node)
    else:
        yield from _other_part(node)
    yield from _other_statement(node)


def _other_part(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.IfExp):
        yield "branches swapped", _with(node, body=node.orelse, orelse=node.body)
    elif isinstance(node, ast.Slice):
        for end in ("lower", "upper"):
            if getattr(node, end) is not None:
                yield f"slice without {end} end", _with(node, **{end: None})


def _other_constant(node: ast.Constant) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node.value, bool):
        yield f"{node.value} -> {not node.value}", _with(node, value=not node.value)
    elif isinstance(node.value, int | float):
        value = node.value + 1 if isinstance(node.value, int) else node.value * 1.1 + 0.01
        yield f"{node.value} -> {value:g}", _with(node, value=value)


def _other_call(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    """Keywords left out of calls of functions (a class would only complain), and the first two arguments exchanged."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
    if name[:1].islower():
        for i, keyword in enumerate(node.keywords):
            if keyword.arg is not None and keyword.arg not in GUARDS:
                rest = [k for j, k in enumerate(node.keywords) if j != i]
                yield f"{name} without {keyword.arg}=", _with(node, keywords=rest)
    first = node.args[:2]
    if len(first) == 2 and all(isinstance(a, ast.Name | ast.Attribute) for a in first) and name not in ("min", "max"):
        yield f"{name} with its first two arguments exchanged", _with(node, args=[first[1], first[0], *node.args[2:]])


def _other_statement(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        if "super()" not in ast.unparse(node):
            yield "statement left out", ast.Pass()
    elif isinstance(node, ast.AugAssign | ast.Break | ast.Continue):
        yield "statement left out", ast.Pass()
    elif isinstance(node, ast.If | ast.While) and isinstance(node.test, ast.Name | ast.Attribute | ast.Call):
        yield "condition negated", _with(node, test=ast.UnaryOp(op=ast.Not(), operand=node.test))


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed
