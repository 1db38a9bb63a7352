"""Every part that a command can name has its line."""

from __future__ import annotations

import pytest

from tuneoff.commands.composition import CONF
from tuneoff.commands.list import GROUPS, KINDS, main


@pytest.mark.parametrize("group", GROUPS)
def test_every_choice_is_listed_with_a_line_about_it(group, capsys):
    assert main([group]) == 0
    title, *lines = capsys.readouterr().out.splitlines()
    assert title == group
    assert [line.split()[0] for line in lines] == sorted(path.stem for path in (CONF / group).glob("*.yaml"))
    assert all(len(line.split()) > 3 for line in lines)


def test_all_kinds_are_listed_by_default(capsys):
    assert main([]) == 0
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if not line.startswith(" ")] == list(KINDS)
    assert "  accuracy" in out
    assert "Share of right answers" in out
    assert "  incumbent" in out


def test_choices_and_parts_of_ones_own_are_listed(tmp_path, capsys):
    (tmp_path / "algorithm").mkdir()
    (tmp_path / "algorithm" / "mine.yaml").write_text("# @package _global_\n# Draws anew.\nname: mine\n")
    assert main(["algorithm", "--config-dir", str(tmp_path)]) == 0
    assert "Draws anew." in capsys.readouterr().out
    assert main(["metric", "--plugins", "no_such_module"]) == 2
