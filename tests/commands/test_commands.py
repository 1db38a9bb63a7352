"""The same commands from a checkout and from an installed package."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import tuneoff
from tuneoff.commands import __main__ as installed

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("command", installed.COMMANDS)
def test_a_command_is_the_same_from_a_checkout_and_installed(command: str) -> None:
    def help_of(*module: str) -> str:
        asked = [sys.executable, "-m", *module, "--help"]
        return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert help_of("tuneoff.commands", command) == help_of(f"benchmarks.{command}")


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["serve"], 2), (["--help"], 0)])
def test_another_command_is_answered_with_those_there_are(arguments, code, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["tuneoff", *arguments])
    with pytest.raises(SystemExit) as exit_:
        installed.main()
    assert exit_.value.code == code
    shown = capsys.readouterr()
    said = (shown.err if code else shown.out).splitlines()
    assert ("'serve' is no command." in said) is (arguments == ["serve"])
    assert [line.split()[0] for line in said[-len(installed.COMMANDS) :]] == list(installed.COMMANDS)


def test_the_configuration_is_part_of_the_package() -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["tuneoff"]
    package = Path(tuneoff.__file__).parent
    shipped = {path for pattern in patterns for path in package.glob(pattern) if path.is_file()}
    assert {path for path in (package / "conf").rglob("*") if path.is_file()} <= shipped
