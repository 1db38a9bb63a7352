"""--help: usage, choices and every setting with its line of explanation, from the configuration files themselves."""

from __future__ import annotations

import textwrap
from pathlib import Path

from tuneoff.commands.composition import CONF

SHOWN = {
    "engine": "finetune",
    "algorithm": "pbt",
    "task": "csv",
    "model": "minilm",
    "space": "minilm",
    "protocol": "heldout",
    "price": "v100-2020",
}


def help_text(usage: str) -> str:
    """The text of --help. usage: its beginning."""
    general = _body(CONF / "config.yaml").split("_self_", 1)[1].split("\nhydra:", 1)[0].split("\n\n", 1)[1]
    choices = [
        f"  {folder.name}={'|'.join(sorted(p.stem for p in folder.glob('*.yaml')))}"
        for folder in sorted(CONF.iterdir())
        if folder.is_dir()
    ]
    files = [
        f"{folder}={choice}\n{textwrap.indent(_body(CONF / folder / f'{choice}.yaml'), '  ')}"
        for folder, choice in SHOWN.items()
    ]
    return "\n\n".join(
        [
            usage.strip(),
            "Choices (your own: the same folders under --config-dir DIR)",
            "\n".join(choices),
            "Settings: change one with name=value, add one with +name=value, remove one with ~name; sweep with -m and commas",
            general,
            f"Settings of some choices (all are in {CONF}/GROUP/CHOICE.yaml)",
            *files,
        ]
    )


def _body(path: Path) -> str:
    return path.read_text(encoding="utf-8").rstrip()
