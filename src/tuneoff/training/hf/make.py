"""The user's function that makes a Trainer: found, and its signature read, without running the file where that is possible.

Importing a file with a Trainer in it takes seconds, since it imports torch. So the signature is read from the source, and the
file is run only where the name is not a plain function there.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tuneoff import plugins
from tuneoff.errors import ConfigError, UserError, first_line

HANDED_OVER = "make"
"""Kind of the functions that were handed over as such, in Python, instead of being named."""
REQUEST = "request"
"""A parameter of this name is given the search's Request."""


class MakeError(ConfigError):
    """A function that can't be found or run, or that does not return what it has to."""


@dataclass(frozen=True, kw_only=True)
class Keyword:
    """A parameter that can be given by name. annotation: as text. default: None where it is no plain value. required: it has
    no default."""

    name: str
    annotation: str
    default: Any
    required: bool


@dataclass(frozen=True, kw_only=True)
class Signature:
    """keywords: without `request`. takes_request: whether there is one. function: False where a Trainer itself is named."""

    keywords: tuple[Keyword, ...] = ()
    takes_request: bool = False
    function: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(keyword.name for keyword in self.keywords)


def signature_of(make: str) -> Signature:
    """Raises MakeError where `make` names nothing that can be called."""
    if make not in plugins.names(HANDED_OVER):
        module, _, name = make.partition(":")
        tree = _parsed(make, module)
        functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        if name in functions and not functions[name].decorator_list:
            return _static(functions[name].args)
        if name not in _defined(tree):
            close = get_close_matches(name, sorted(_defined(tree)), n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            raise MakeError(f"engine.make is {make!r}, but {module} defines no {name}{hint}")
    return _dynamic(load(make))


def load(make: str) -> Any:
    """The function, or the Trainer, that is named. Raises MakeError where its module can't be imported."""
    if make in plugins.names(HANDED_OVER):
        return plugins.find(HANDED_OVER, make)
    module, _, name = make.partition(":")
    plugins.find_modules_here()
    try:
        return getattr(import_module(module), name)
    except UserError:
        raise
    except Exception as error:  # whatever a user's module raises on import
        raise MakeError(f"engine.make is {make!r}, but importing it failed ({first_line(error)})") from error


def hand_over(function: Callable[..., Any]) -> str:
    """Makes a function known under a name for `engine.make`, and returns that name."""
    name = f"{function.__module__}:{function.__qualname__}"
    plugins.replace(HANDED_OVER, name, function)
    return name


def handed_over(make: str) -> Any:
    """The function of this name that was handed over; None where it is to be imported."""
    return plugins.find(HANDED_OVER, make) if make in plugins.names(HANDED_OVER) else None


def _parsed(make: str, module: str) -> ast.Module:
    plugins.find_modules_here()
    try:
        spec = find_spec(module)
    except (ImportError, ValueError) as error:  # of a package around it
        raise MakeError(f"engine.make is {make!r}, but importing it failed ({first_line(error)})") from error
    if spec is None or spec.origin is None:
        close = get_close_matches(module, sorted(path.stem for path in Path.cwd().glob("*.py")), n=1)
        hint = f"did you mean {close[0]}:...?" if close else f"there is no {module.replace('.', '/')}.py in this folder"
        raise MakeError(f"engine.make is {make!r}, but python can't find the module {module!r} from here: {hint}")
    try:
        return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError) as error:
        raise MakeError(f"engine.make is {make!r}, but {spec.origin} is no Python that can be read ({error})") from error


def _defined(tree: ast.Module) -> set[str]:
    """The names that a module's statements bind at its top level, in branches too."""
    bound: set[str] = set()
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            bound.add(node.name)
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        waiting += ast.iter_child_nodes(node)
    return bound


def _static(arguments: ast.arguments) -> Signature:
    positional = arguments.args
    defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    pairs = [*zip(positional, defaults, strict=True), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    keywords = [
        Keyword(
            name=argument.arg,
            annotation=ast.unparse(argument.annotation) if argument.annotation else "",
            default=_literal(default),
            required=default is None,
        )
        for argument, default in pairs
    ]
    return _signature(keywords)


def _literal(node: ast.expr | None) -> Any:
    try:
        return _plain(ast.literal_eval(node)) if node is not None else None
    except ValueError:
        return None


def _dynamic(made: Any) -> Signature:
    if not callable(made):
        return Signature(function=False)
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return _signature(
        [
            Keyword(
                name=one.name,
                annotation="" if one.annotation is one.empty else inspect.formatannotation(one.annotation),
                default=None if one.default is one.empty else _plain(one.default),
                required=one.default is one.empty,
            )
            for one in inspect.signature(made).parameters.values()
            if one.kind in by_name
        ]
    )


def _signature(keywords: list[Keyword]) -> Signature:
    takes_request = any(keyword.name == REQUEST for keyword in keywords)
    return Signature(keywords=tuple(k for k in keywords if k.name != REQUEST), takes_request=takes_request)


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | str) else None
