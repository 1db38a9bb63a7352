"""Places elsewhere: a folder, and a bucket of a real S3 server where one is installed (moto)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.records.remote.bucket import BUCKET, Server, started
from tuneoff.records.remote.mirror import Mirror


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """An S3 server with an empty bucket."""
    pytest.importorskip("moto", reason="moto, an S3 server, is not installed")
    with started() as running:
        yield running


@pytest.fixture(params=["file", "s3"])
def address(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of an empty place."""
    if request.param == "file":
        return f"file://{tmp_path}/elsewhere/team"
    running: Server = request.getfixturevalue("server")
    for name, value in running.environment().items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{tmp_path.name}/team"


class Machines:
    """Mirrors of one address on machines of their own."""

    def __init__(self, address: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.address, self._folder, self._patch = address, folder, monkeypatch
        self.notes: list[str] = []

    def __call__(self, name: str) -> Mirror:
        self._patch.setenv("TUNEOFF_CACHE", str(self._folder / name))
        return Mirror(self.address, self.notes.append)


@pytest.fixture
def machine(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machines:
    return Machines(address, tmp_path / "machines", monkeypatch)
