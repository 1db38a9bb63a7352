from __future__ import annotations

from pathlib import Path

import pytest

from tuneoff.errors import ConfigError
from tuneoff.records.remote.address import checked_address, is_address, shown, without_password, working_copy
from tuneoff.redaction import redacted


@pytest.mark.parametrize("text", ["s3://bucket/x", "gs://b", "file:///mnt/x", "hf://datasets/x", "S3://b/x"])
def test_an_address_has_a_scheme(text: str) -> None:
    assert is_address(text)


@pytest.mark.parametrize("text", ["results", "/mnt/results", "~/x", "C:\\results", "a:b", "../x", "s3:/bucket"])
def test_a_folder_has_none(text: str) -> None:
    assert not is_address(text)


@pytest.mark.parametrize(
    ("given", "checked"),
    [
        ("s3://bucket/team/", "s3://bucket/team"),
        ("S3://bucket/team", "s3://bucket/team"),
        ("s3://bucket/team/?region=eu-west-1", "s3://bucket/team?region=eu-west-1"),
        ("abfss://c@account.dfs.core.windows.net/x", "abfss://c@account.dfs.core.windows.net/x"),
        ("file:///mnt/x", "file:///mnt/x"),
    ],
)
def test_an_address_is_written_in_one_way(given: str, checked: str) -> None:
    assert checked_address(given) == checked


@pytest.mark.parametrize(
    "text", ["hf://datasets/x", "s3://", "s3:///", "http://host/x", "file://", "s3://b/x\0y", "s3://b/x#y"]
)
def test_other_addresses_are_refused_with_what_can_be_given(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^results is .*, but it must be a folder, or an address such as s3://BUCKET/FOLDER"):
        checked_address(text)


@pytest.mark.parametrize("text", ["s3://bucket/../other", "s3://bucket/./x", "file:///mnt/.."])
def test_an_address_leads_straight_to_its_place(text: str) -> None:
    with pytest.raises(ConfigError, match=r"no '\.' or '\.\.'"):
        checked_address(text)


def test_a_password_is_not_in_a_message() -> None:
    with pytest.raises(ConfigError) as error:
        checked_address("ftp://me:hunter2@host/x")
    assert "hunter2" not in str(error.value)
    assert "ftp://" in str(error.value)


def test_each_place_has_a_working_copy_of_its_own_whose_name_says_which(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TUNEOFF_CACHE", str(tmp_path))
    places = ["s3://a/team", "s3://b/team", "gs://a/team", "s3://a/team?region=eu-west-1", "s3://a/team-2"]
    folders = [working_copy(place) for place in places]
    assert len(set(folders)) == len(places)
    assert all(folder.parent == tmp_path / "results" for folder in folders)
    assert folders[0].name.startswith("team-")
    assert working_copy("s3://me:secret@a/team") == folders[0], "a new password is no new place"


def test_the_users_folder_for_caches_is_the_usual_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TUNEOFF_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert working_copy("s3://a/x").parent == tmp_path / "xdg" / "tuneoff" / "results"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert working_copy("s3://a/x").parent == tmp_path / "home" / ".cache" / "tuneoff" / "results"


def test_a_folder_that_is_no_working_copy_is_shown_as_it_is(tmp_path: Path) -> None:
    assert shown(tmp_path) == str(tmp_path)


def test_an_azure_container_stands_where_a_user_would(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TUNEOFF_CACHE", str(tmp_path))
    one, two = "abfss://research@acct.dfs.core.windows.net/x", "abfss://production@acct.dfs.core.windows.net/x"
    assert working_copy(one) != working_copy(two)
    assert without_password(one) == redacted(one) == one
    assert without_password("abfss://c:key@acct.dfs.core.windows.net/x") == "abfss://c@acct.dfs.core.windows.net/x"
    assert "key" not in redacted("abfss://c:key@acct.dfs.core.windows.net/x")
    assert redacted("s3://me:hunter2@bucket/x") == "s3://***@bucket/x"


def test_another_server_is_another_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TUNEOFF_CACHE", str(tmp_path))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    amazon = working_copy("s3://a/x")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://minio:9000")
    assert working_copy("s3://a/x") != amazon
