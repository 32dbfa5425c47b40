"""One PostgreSQL server for all tests here."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.ledger.storage.addresses import LedgerPlace
from tests.postgres import PostgresServer


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with tempfile.TemporaryDirectory(prefix="shardloom-pg-", dir="/tmp") as folder:
        made = PostgresServer(Path(folder))
        made.start()
        yield made
        made.kill()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> LedgerPlace:
    if request.param == "sqlite":
        return tmp_path / "ledger.db"
    server: PostgresServer = request.getfixturevalue("server")
    return server.new_place(tmp_path / "evidence")
