"""Tests are collected once and run in forked processes, with a mistake in memory or with the lines noted that they run through.

The working tree is not touched.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder, SourceLoader
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import pytest

from mutation.mistakes import Mistake, plant

SOURCE = Path(__file__).resolve().parents[2] / "src"
PACKAGE = SOURCE / "tuneoff"
WALL_SECONDS = 240
IMPORT = "import"
OPTIONS = ("-q", "-x", "-m", "not ray", "-p", "no:cacheprovider", "-p", "no:xdist")


def load_libraries() -> None:
    """Loads what takes long, once, before the forks."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    import hypothesis
    import ray  # noqa: F401
    import scipy.stats  # noqa: F401
    import sklearn.metrics  # noqa: F401
    import transformers  # noqa: F401

    # The speed of a busy machine is no test's failure.
    checks = list(hypothesis.HealthCheck)
    hypothesis.settings.register_profile(
        "mutation", database=None, derandomize=True, deadline=None, suppress_health_check=checks
    )
    hypothesis.settings.load_profile("mutation")


def forked(work: Callable[[], int], cpu_seconds: float, wall_seconds: int = WALL_SECONDS) -> int:
    """The exit status of `work`, minus a signal's number where one ended it, for instance SIGXCPU where it took too long."""
    child = os.fork()
    if child == 0:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_seconds) + 1, int(cpu_seconds) + 5))
        signal.alarm(wall_seconds)
        status = 3
        try:
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nowhere, stream)
            status = work()
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what the tests started and left
    return status


class Collected:
    """A pytest plugin: hands the collected tests, of which none has run yet, to `use`, and lets pytest run none."""

    def __init__(self, use: Callable[[Collected], None]) -> None:
        self._use = use
        self.items: dict[str, pytest.Item] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.session = session
        self.items = {item.nodeid: item for item in session.items}
        self._use(self)
        return True

    def run(self, names: Sequence[str]) -> int:
        """0 where all pass. Ends at the first that fails."""
        chosen = [self.items[name] for name in names]
        for item, after in zip(chosen, [*chosen[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            if self.session.testsfailed:
                return 1
        return 0

    def fails(self, module: str, mistake: Mistake, names: Sequence[str], cpu_seconds: float) -> int:
        """0 where the tests pass with the mistake in a function of the module; see forked."""
        path, code = _compiled(module, mistake)

        def work() -> int:
            _swap(path, code, mistake)
            return self.run(names)

        return forked(work, cpu_seconds)


def fails_at_import(module: str, mistake: Mistake, names: Sequence[str], cpu_seconds: float) -> int:
    """As Collected.fails, for a mistake outside of functions: our modules are not loaded here yet."""
    path, code = _compiled(module, mistake)

    def work() -> int:
        name = "tuneoff." + ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
        sys.meta_path.insert(0, _Mutated(name, path, code))
        return _main(names)

    return forked(work, cpu_seconds)


def _compiled(module: str, mistake: Mistake) -> tuple[Path, CodeType]:
    path = PACKAGE / module
    return path, compile(plant(path.read_text(encoding="utf-8"), mistake), str(path), "exec")


def _main(tests: Sequence[str], plugins: Sequence[object] = ()) -> int:
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        return int(pytest.main([*OPTIONS, f"--basetemp={folder}/tests", *tests], plugins=list(plugins)))


def collect(tests: Sequence[str], use: Callable[[Collected], None]) -> None:
    """In a process of its own, so that one group's modules are not there for the next."""
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            status = 3
            try:
                os.dup2(said.fileno(), 1)
                os.dup2(said.fileno(), 2)
                status = _main(tests, [Collected(use)])
            finally:
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status not in (0, 5):
            said.seek(0)
            sys.exit(f"{said.read().decode()[-5000:]}\n{' '.join(tests)}: stopped with status {status}")


def _swap(path: Path, changed: CodeType, mistake: Mistake) -> None:
    """Gives the loaded functions of the module that are around the mistake their changed code."""
    codes = {(c.co_qualname, c.co_firstlineno): c for c in _codes(changed)}
    swapped = 0
    for function in [f for f in gc.get_objects() if isinstance(f, FunctionType) and f.__code__.co_filename == str(path)]:
        code = function.__code__
        new = codes.get((code.co_qualname, code.co_firstlineno))
        lines = [line for *_, line in code.co_lines() if line]
        if new is not None and "<locals>" not in code.co_qualname and min(lines) <= mistake.line <= _last_line(code):
            function.__code__ = new
            swapped += 1
    assert swapped, f"no function around line {mistake.line} of {path.name}"


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _last_line(code: CodeType) -> int:
    return max(last or 0 for c in _codes(code) for _, last, *_ in c.co_positions())


class _Mutated(SourceLoader, MetaPathFinder):
    """Imports one module from changed code, and all others as they are."""

    def __init__(self, name: str, path: Path, code: CodeType) -> None:
        self.name, self.path, self.code = name, path, code

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

    def get_code(self, _fullname: str) -> CodeType:
        return self.code


def trace(collected: Collected, paths: Collection[Path]) -> dict[str, Any]:
    """The seconds of each test, and by module and line the tests that run through it. Exits where a test fails."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:

        def work() -> int:
            tracer = _Tracer({str(path) for path in paths})
            collected.session.config.pluginmanager.register(tracer)
            status = collected.run(list(collected.items))
            Path(file.name).write_text(json.dumps(tracer.found()), encoding="utf-8")
            return status

        status = forked(work, 3600, 3600)
        found: dict[str, Any] = json.loads(Path(file.name).read_text(encoding="utf-8"))
    if status:
        last = list(found["seconds"])[-1:]
        sys.exit(f"without a mistake there is a failure already (status {status}) at {last}: nothing can be found out")
    return found


class _Tracer:
    """What a fixture runs through counts for every test that asks for the fixture."""

    def __init__(self, files: set[str]) -> None:
        self.files = files
        self.owner = [IMPORT]
        self.hits: dict[str, set[tuple[str, int]]] = defaultdict(set)
        self.seconds: dict[str, float] = {}
        self.fixtures: dict[str, list[str]] = {}

    def _called(self, frame: FrameType, _event: str, _argument: object) -> Any:
        return self._line if frame.f_code.co_filename in self.files else None

    def _line(self, frame: FrameType, _event: str, _argument: object) -> Any:
        self.hits[self.owner[-1]].add((frame.f_code.co_filename, frame.f_lineno))
        return self._line

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: Any) -> None:
        self.owner[:] = [item.nodeid]
        self.fixtures[item.nodeid] = [f"fixture {name}" for name in item.fixturenames]
        self.started = time.process_time()
        sys.settrace(self._called)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        sys.settrace(None)
        self.seconds[nodeid] = time.process_time() - self.started

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        self.owner.append(f"fixture {fixturedef.argname}")
        try:
            return (yield)
        finally:
            self.owner.pop()

    def found(self) -> dict[str, Any]:
        lines: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
        for test, fixtures in self.fixtures.items():
            for file, line in set().union(*(self.hits.get(owner, set()) for owner in (test, *fixtures))):
                lines[str(Path(file).relative_to(PACKAGE))][line].append(test)
        return {"seconds": self.seconds, "lines": lines}
