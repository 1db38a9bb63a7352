"""Draws docs/img/packages.svg from the code: the packages of tuneoff in their order, and which imports which.

python scripts/draw_packages.py [FILE]
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.test_architecture import FILES, ORDER, SOURCE, imported, part_of  # noqa: E402

PACKAGES = [name for row in ORDER for name in row if (SOURCE / name).is_dir()]
WIDTH, ROW, BOX, LEFT, TOP = 940, 52, 34, 300, 30


def arrows() -> Counter[tuple[str, str]]:
    """How many files of the first package import something of the second."""
    found: Counter[tuple[str, str]] = Counter()
    for file in FILES:
        parts = {module.split(".")[1] for module in imported(file) if module.startswith("tuneoff.")}
        found.update(
            (part_of(file), other) for other in parts & set(PACKAGES) if part_of(file) in PACKAGES and other != part_of(file)
        )
    return found


def phrase(package: str) -> str:
    """The first sentence of the package's docstring."""
    text = (SOURCE / package / "__init__.py").read_text(encoding="utf-8").split('"""')[1]
    return text.strip().split("\n")[0].split(". ")[0].rstrip(".")


def svg() -> str:
    y = {name: TOP + ROW * index for index, name in enumerate(PACKAGES)}
    height = TOP + ROW * len(PACKAGES)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{LEFT}" y="18" fill="#555">imports run upwards only; numbers: files that import</text>',
    ]
    for number, ((user, used), count) in enumerate(sorted(arrows().items(), key=lambda item: y[item[0][0]] - y[item[0][1]])):
        start, end = y[user] + BOX / 2, y[used] + BOX / 2
        bow = 24 + 2.1 * abs(start - end) ** 0.78 + number % 3
        path = f"M {LEFT} {start} C {LEFT - bow} {start} {LEFT - bow} {end} {LEFT} {end}"
        lines.append(
            f'<path d="{path}" fill="none" stroke="#4477aa" stroke-opacity="0.55" stroke-width="{0.6 + count / 6:.1f}"/>'
        )
        middle = (start + end) / 2
        lines.append(f'<text x="{LEFT - bow * 0.75 - 8:.0f}" y="{middle + 4:.0f}" fill="#4477aa" font-size="9">{count}</text>')
    for name in PACKAGES:
        lines.append(f'<rect x="{LEFT}" y="{y[name]}" width="110" height="{BOX}" rx="5" fill="#eef3f8" stroke="#4477aa"/>')
        lines.append(f'<text x="{LEFT + 55}" y="{y[name] + 22}" text-anchor="middle">{name}</text>')
        lines.append(f'<text x="{LEFT + 122}" y="{y[name] + 22}" fill="#333" font-size="12">{phrase(name)}</text>')
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "img" / "packages.svg"
    target.write_text(svg(), encoding="utf-8")
    print(target)
