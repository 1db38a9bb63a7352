"""Two texts that should be one, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest

from tuneoff.verification.discrepancy import Discrepancy

AROUND = 40
"""Characters shown before and after a difference."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def compare_texts(file: str, found: str, expected: str, *, exact: bool = True) -> Iterator[Discrepancy]:
    """One a differing line. exact: otherwise numbers that agree to nine digits are the same."""
    if found == expected:
        return
    lines = zip_longest(found.split("\n"), expected.split("\n"))
    for number, (one, other) in enumerate(lines, start=1):
        if one == other or (not exact and one is not None and other is not None and _alike(one, other)):
            continue
        a, b = one or "", other or ""
        at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
        shown = [_around(text, at) for text in (one, other)]
        yield Discrepancy(file=file, place=f"line {number}, character {at + 1}", found=shown[0], expected=shown[1])


def _alike(one: str, other: str) -> bool:
    if _NUMBER.sub("#", one) != _NUMBER.sub("#", other):
        return False
    pairs = zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True)
    return all(a == b or abs(float(a) - float(b)) <= 1e-9 * max(1e-3, abs(float(b))) for a, b in pairs)


def _around(line: str | None, at: int) -> str:
    """A line as far as it lies around a character."""
    if line is None:
        return "no line"
    first, last = max(0, at - AROUND), at + AROUND
    return repr(("..." if first else "") + line[first:last] + ("..." if last < len(line) else ""))
