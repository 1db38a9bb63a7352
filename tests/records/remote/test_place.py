from __future__ import annotations

from pathlib import Path

import pytest

from tests.records.remote.bucket import BUCKET, Server
from tests.records.remote.conftest import Machines
from tuneoff.records.remote.place import Place, RemoteError


def test_a_file_is_written_read_listed_and_deleted(address: str) -> None:
    place = Place(address)
    assert place.files() == {}
    assert place.files("nothing/here") == {}
    made = place.send("a/b.txt", b"one")
    assert place.files() == place.files("a") == {"a/b.txt": made}
    assert made.size == 3
    assert place.stamp("a/b.txt") == made
    assert place.read("a/b.txt") == b"one"
    place.delete("a/b.txt")
    place.delete("a/b.txt")
    assert place.files() == {}
    assert place.stamp("a/b.txt") is None
    assert place.read("a/b.txt") is None


def test_a_large_file_arrives_whole(address: str, tmp_path: Path) -> None:
    content = bytes(range(256)) * 80_000  # 20 MB: several parts of an upload
    (tmp_path / "big").write_bytes(content)
    place = Place(address)
    place.send("big", tmp_path / "big")
    assert place.fetch("big", tmp_path / "deep" / "back")
    assert (tmp_path / "deep" / "back").read_bytes() == content
    assert not list((tmp_path / "deep").glob(".*")), "no half of it is left"


def test_a_file_that_is_gone_is_not_fetched_and_nothing_is_left(address: str, tmp_path: Path) -> None:
    assert not Place(address).fetch("gone", tmp_path / "gone")
    assert [path.name for path in tmp_path.glob("*gone*")] == []


def test_a_missing_bucket_is_named_with_what_gives_access(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RemoteError, match=r"there is no bucket 'other', .*AWS_ACCESS_KEY_ID.*: make it first"):
        Place("s3://other/team")


def test_a_server_that_does_not_answer_is_named_without_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(RemoteError) as error:
        Place(f"s3://me:hunter22@{BUCKET}/team?region=us-east-1")
    assert "can't be read or written" in str(error.value)
    assert "the network" in str(error.value)
    assert "hunter22" not in str(error.value)


@pytest.mark.parametrize("path", ["s/../../../etc/x", "s//x"])
def test_a_file_there_that_leads_out_of_the_results_is_refused(
    path: str, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A bucket can hold any name, and others can write to it."""
    boto3 = pytest.importorskip("boto3")
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"{tmp_path.name}/{path}", Body=b"x")
    machine = Machines(f"s3://{BUCKET}/{tmp_path.name}", tmp_path, monkeypatch)
    with pytest.raises(RemoteError, match="leads out of the results"):
        machine("a").bring()
    assert not (tmp_path / "etc").exists()


def test_a_full_disk_here_is_no_fault_of_the_place(tmp_path: Path) -> None:
    """Its own error goes on, with the file's name."""
    place = Place(f"file://{tmp_path}/there")
    place.send("x", b"content")
    with pytest.raises(OSError, match="No space left") as error:
        place.fetch("x", Path("/dev/full/x") if Path("/dev/full/x").exists() else _full(tmp_path))
    assert not isinstance(error.value, RemoteError)


def _full(tmp_path: Path) -> Path:
    """A path whose part is the device that is always full."""
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / ".x.part").symlink_to("/dev/full")
    return tmp_path / "here" / "x"


def test_a_folder_that_can_not_be_made_is_named() -> None:
    with pytest.raises(RemoteError, match=r"results is 'file:///proc/nowhere/x', but it can't be made"):
        Place("file:///proc/nowhere/x").send("a", b"x")
