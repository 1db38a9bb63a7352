"""python scripts/mutate.py [MODULE ...] --results FILE [--seed 0] [--seconds 240] [--again]

Do the tests notice mistakes? Plants one small mistake at a time (another comparison, operator, number, boolean, condition or
argument order; a keyword, an operand or a statement left out) in the modules that decide numbers, runs the tests that go
through its line, and lists the mistakes that no test found. scripts/mutation/plan.toml says which modules, how many mistakes
of each, which tests, and which mistakes change nothing that could be observed, with the reason. The mistakes are drawn with
--seed. FILE keeps what was found out: the command goes on where it stopped. Tests that start Ray are left out, and so is
tests/end_to_end: what only they would find counts as not found.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mutation.mistakes import Mistake, mistake_of, mistakes_in
from mutation.processes import PACKAGE, Collected, collect, fails_at_import, load_libraries, trace

ROOT = PACKAGE.parents[1]
PLAN = Path(__file__).parent / "mutation" / "plan.toml"
FOUND, TOO_LONG, NOT_FOUND = "found", "found by the time limit", "not found"
OUTPUT = os.fdopen(os.dup(1), "w", encoding="utf-8")
"""Where messages go while pytest has the standard output."""
LEAST_CPU_SECONDS = 30.0
MOST_FALLBACK_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Group:
    """Modules that the same tests are for. modules: with the number of mistakes to plant in each."""

    name: str
    tests: tuple[str, ...]
    modules: dict[str, int]


class Results:
    """What is known, kept in a file. Outcomes belong to a module's and its tests' text, traces to those of the whole group."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: dict[str, Any] = {}
        self.load()

    def load(self) -> None:
        if self.path.exists():
            self.known = json.loads(self.path.read_text(encoding="utf-8"))

    def section(self, *keys: str) -> dict[str, Any]:
        found = self.known
        for key in keys:
            found = found.setdefault(key, {})
        return found

    def save(self) -> None:
        self.path.write_text(json.dumps(self.known), encoding="utf-8")


def read_plan() -> tuple[list[Group], dict[str, dict[str, str]]]:
    """The groups, and by module the names of equivalent mistakes with their reasons."""
    plan = tomllib.loads(PLAN.read_text(encoding="utf-8"))
    groups = [Group(name=g["name"], tests=tuple(g["tests"]), modules=g["modules"]) for g in plan["group"]]
    equivalent: dict[str, dict[str, str]] = {}
    for entry in plan.get("equivalent", []):
        equivalent.setdefault(entry["module"], {})[f"{entry['line']} | {entry['change']}"] = entry["reason"]
    for module, names in equivalent.items():
        possible = {mistake.name for mistake in mistakes_in((PACKAGE / module).read_text(encoding="utf-8"))}
        for name in sorted(set(names) - possible):
            sys.exit(f"plan.toml calls a mistake in {module} equivalent that can't be planted there: {name}")
    return groups, equivalent


def sample(module: str, most: int, options: argparse.Namespace) -> list[Mistake]:
    """The mistakes to plant in a module: drawn ones, or those that plan.toml names."""
    source = (PACKAGE / module).read_text(encoding="utf-8")
    if options.named:
        entries = tomllib.loads(PLAN.read_text(encoding="utf-8")).get("named", [])
        return [mistake_of(source, e["mistake"], e["old"], e["new"]) for e in entries if e["module"] == module]
    made = mistakes_in(source)
    return random.Random(f"{options.seed} {module}").sample(made, min(options.most or most, len(made)))


def outcomes_of(module: str, results: Results, options: argparse.Namespace) -> dict[str, str]:
    return results.section("outcomes", "named" if options.named else str(options.seed), module)


def digest_of(group: Group) -> str:
    folders = [ROOT / test for test in group.tests]
    tests = [f for folder in folders for f in ([folder] if folder.suffix == ".py" else sorted(folder.rglob("*.py")))]
    return hashlib.sha256(
        b"".join(f.read_bytes() for f in [*(PACKAGE / module for module in group.modules), *tests])
    ).hexdigest()


def note_traces(group: Group, results: Results, collected: Collected) -> None:
    """Which tests run through which lines; once for each state of the modules and tests."""
    kept, digest = results.section("traces", group.name), digest_of(group)
    if kept.get("digest") == digest:
        return
    kept.update(trace(collected, [PACKAGE / module for module in group.modules]), digest=digest)
    results.save()


def run_group(
    group: Group, due: Sequence[tuple[str, Mistake]], results: Results, options: argparse.Namespace, stop: float
) -> None:
    """Plants the mistakes until the time is up. Runs the tests that go through the statement, quickest file first; where
    they pass, all tests of these files, since what one test computes may be kept for another."""

    def use(collected: Collected) -> None:
        note_traces(group, results, collected)
        for module, mistake in due:
            if mistake.inside and time.monotonic() < stop:
                status, seconds = 0, results.known["traces"][group.name]["seconds"]
                through = tests_through(mistake, results.known["traces"][group.name]["lines"].get(module, {}))
                files = {test.split("::")[0] for test in through}
                for names in (through, [test for test in seconds if test.split("::")[0] in files]) if through else ():
                    needed = sum(seconds[test] for test in names)
                    if status == 0 and (names is through or needed < MOST_FALLBACK_SECONDS):
                        status = collected.fails(module, mistake, quickest(names, seconds), LEAST_CPU_SECONDS + 4 * needed)
                note(mistake, module, status, outcomes_of(module, results, options))
                results.save()

    collect(group.tests, use)
    results.load()
    traces = results.known["traces"][group.name]
    for module, mistake in due:
        if not mistake.inside and time.monotonic() < stop:
            names = quickest({test for tests in traces["lines"].get(module, {}).values() for test in tests}, traces["seconds"])
            needed = sum(traces["seconds"][test] for test in names)
            status = fails_at_import(module, mistake, names, LEAST_CPU_SECONDS + 4 * needed) if names else 0
            note(mistake, module, status, outcomes_of(module, results, options))
            results.save()


def tests_through(mistake: Mistake, lines: dict[str, list[str]]) -> list[str]:
    return sorted({test for n in range(mistake.first, mistake.last + 1) for test in lines.get(str(n), ())})


def quickest(names: Collection[str], seconds: dict[str, float]) -> list[str]:
    """Quick files first, and quick tests within them; files stay whole, for the sake of their fixtures."""
    of_file: Counter[str] = Counter()
    for name in names:
        of_file[name.split("::")[0]] += seconds[name]
    return sorted(names, key=lambda name: (of_file[name.split("::")[0]], name.split("::")[0], seconds[name]))


def note(mistake: Mistake, module: str, status: int, outcomes: dict[str, str]) -> None:
    outcomes[mistake.name] = outcome = NOT_FOUND if status == 0 else TOO_LONG if status < 0 else FOUND
    if outcome != FOUND:
        print(f"{module}:{mistake.line}: {outcome}: {mistake.name}", file=OUTPUT, flush=True)


def run(groups: Sequence[Group], equivalent: dict[str, dict[str, str]], results: Results, options: argparse.Namespace) -> bool:
    """Whether all is known. Stops when the time is up."""
    stop = time.monotonic() + options.seconds
    load_libraries()
    for group in groups:
        due = []
        for module, most in group.modules.items():
            known = outcomes_of(module, results, options)
            for mistake in sample(module, most, options) if module in options.modules else ():
                done = mistake.name in known and not (options.again and known[mistake.name] == NOT_FOUND)
                if not done and mistake.name not in equivalent.get(module, {}):
                    due.append((module, mistake))
        if due:
            print(f"{group.name}: {len(due)} mistakes", file=OUTPUT, flush=True)
            run_group(group, due, results, options, stop)
        if time.monotonic() > stop:
            return False
    return True


def report(
    groups: Sequence[Group], equivalent: dict[str, dict[str, str]], results: Results, options: argparse.Namespace
) -> str:
    """A table, and what was not found."""
    rows, missed, planted, noticed = [], [], 0, 0
    for group in groups:
        for module, most in group.modules.items():
            if module not in options.modules:
                continue
            known, chosen = outcomes_of(module, results, options), sample(module, most, options)
            counted = [m for m in chosen if m.name not in equivalent.get(module, {}) and m.name in known]
            hits = sum(known[m.name] != NOT_FOUND for m in counted)
            left_out = sum(m.name in equivalent.get(module, {}) for m in chosen)
            missed += [f"{module}:{m.line}: {m.name}" for m in counted if known[m.name] == NOT_FOUND]
            planted, noticed = planted + len(counted), noticed + hits
            rows.append(f"| {module} | {hits} of {len(counted)} | {left_out or ''} |")
    share = 100 * noticed / max(planted, 1)
    head = ["| module | found | equivalent |", "|---|---|---|"]
    total = f"{noticed} of {planted} found, {share:.1f} %, " + ("named" if options.named else f"with seed {options.seed}")
    return "\n".join([*head, *rows, "", total, *(["not found:", *missed] if missed else [])])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("modules", nargs="*", help="of the plan; all where none is given")
    parser.add_argument("--results", type=Path, required=True, help="file that keeps what was found out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--named", action="store_true", help="plant the mistakes that plan.toml names, instead of drawn ones")
    parser.add_argument("--most", type=int, help="mistakes a module, instead of the plan's")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="plant no more after so long")
    parser.add_argument("--again", action="store_true", help="plant those again that were not found")
    options = parser.parse_args()
    groups, equivalent = read_plan()
    unknown = set(options.modules) - {module for group in groups for module in group.modules}
    if unknown:
        parser.error(f"not in {PLAN.name}: {', '.join(sorted(unknown))}")
    options.modules = options.modules or [module for group in groups for module in group.modules]
    results = Results(options.results)
    complete = run(groups, equivalent, results, options)
    print(report(groups, equivalent, results, options))
    sys.exit(0 if complete else 3)


if __name__ == "__main__":
    main()
