"""Secrets are hidden by the names of settings, in addresses, and by the values of the environment; nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.answer import read
from tuneoff.hparams import HParamError, Hyperparameter, Hyperparameters
from tuneoff.records.store import find_cells, read_header
from tuneoff.redaction import names_a_secret, redacted, redacted_settings, without_password

RECORDED = Path(__file__).parents[1] / "results"
ENVIRONMENT = {"WANDB_API_KEY": "abcdef123456", "MLFLOW_TRACKING_PASSWORD": "pass-word", "HOME": "/home/me", "A_KEY": "no"}


def test_messages_are_without_keys():
    text = "login abcdef123456 failed at http://me:pass@host/x, pass-word, /home/me, no"
    assert redacted(text, ENVIRONMENT) == "login *** failed at http://***@host/x, ***, /home/me, no"


def test_variables_that_only_resemble_keys_hide_nothing():
    assert redacted("layout-1", {"TOKENIZERS_PARALLELISM": "layout-1", "KEYBOARD": "layout-1", "PWD": "layout-1"}) == "layout-1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("task.token=abc study=s", "task.token=*** study=s"),
        ("+own={api_key:abc,rows:1}", "+own={api_key:***,rows:1}"),
        ("+own={a:{password:abc}}", "+own={a:{password:***}}"),
        ("{'hub_token': 'a b', 'rows': 1}", "{'hub_token': ***, 'rows': 1}"),
        ("task.token is 'abc', but it must be", "task.token is ***, but it must be"),
        ("https://host/x?rows=1&access_token=abc&b=2", "https://host/x?rows=1&access_token=***&b=2"),
        ("postgresql://me:p@ss@host/db", "postgresql://***@host/db"),
        ("task.token=${oc.env:HF_TOKEN}", "task.token=${oc.env:HF_TOKEN}"),
        ("task.sep_token=; max_tokens=5 batch=2", "task.sep_token=; max_tokens=5 batch=2"),
        ("def f(token: str)", "def f(token: str)"),
        ("sqlite:////a@b/c.db", "sqlite:////a@b/c.db"),
    ],
)
def test_text_is_without_the_values_of_secret_settings(text, expected):
    assert redacted(text, {}) == expected


@pytest.mark.parametrize("name", ["token", "hub_token", "task.api_key", "apiKey", "aws_secret_access_key", "db_password"])
def test_names_that_say_secret(name):
    assert names_a_secret(name)


@pytest.mark.parametrize("name", ["key", "tokens", "eos_token", "token_type_ids", "max_tokens", "keep", "password_rules"])
def test_names_that_do_not(name):
    assert not names_a_secret(name)


def test_settings_keep_their_form():
    given = {"a": {"token": 5, "use_token": True, "credentials": {"user": "x"}}, "urls": ["http://a:b@c"], "api_key": None}
    expected = {
        "a": {"token": "***", "use_token": True, "credentials": {"user": "***"}},
        "urls": ["http://***@c"],
        "api_key": None,
    }
    assert redacted_settings(given) == expected


def test_an_address_without_password():
    assert without_password("http://me:pass@host/x") == "http://host/x"


@pytest.mark.parametrize("cell", sorted(find_cells(RECORDED))[::9], ids=lambda cell: cell.relative_to(RECORDED).as_posix())
def test_a_record_without_secrets_is_as_it_was_before_there_was_redaction(cell):
    header = read_header(cell)
    assert redacted_settings(header.config) == header.config
    assert redacted(header.command) == header.command


def test_the_true_value_is_used_and_another_one_is_the_same_search(monkeypatch):
    monkeypatch.setenv("OWN_TOKEN", "env-0123456789")
    one, other = (read(f"price.source=http://me:{word}@host ${{oc.env:OWN_TOKEN}}") for word in ("first", "second"))
    assert (one.price.source, one.raw["price"]["source"]) == ("http://me:first@host env-0123456789", "http://***@host ***")
    assert one.hash == other.hash


@pytest.mark.parametrize(("values", "searched"), [({"hub_token": "abc"}, ()), ({}, ("hub_token",))])
def test_a_hyperparameter_is_no_secret(values, searched):
    class Text(Hyperparameter):
        def check(self, value):
            return value

    declared = Hyperparameters(Hyperparameter(name="num_epochs", default=3), Text(name="hub_token", default=None))
    assert declared.complete({})["hub_token"] is None
    with pytest.raises(HParamError, match="hub_token has a value, but hyperparameters are recorded") as error:
        declared.complete(values, searched)
    assert "abc" not in str(error.value)
