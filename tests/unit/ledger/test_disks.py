"""What disks do to a ledger: broken-off writes, damaged pages, folders that may only be read."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from app.core.errors import LedgerError
from app.ledger.journal.verification import verify_ledger
from app.ledger.views.export import read_snapshot
from app.ledger.views.pages import read_page
from tests.saying import raises_saying
from tests.unit.ledger.support import Bench, eventful

BREAKS_OFF = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("DROP TRIGGER transfers_never_change")
for number in range(200):
    connection.execute("INSERT INTO balances VALUES (?, 1)", (f"{number}" * 200,))
os._exit(0)
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return eventful(tmp_path_factory.mktemp("original"))


@pytest.fixture
def bench(original: Bench, tmp_path: Path) -> Bench:
    shutil.copytree(original.path.parent, tmp_path, dirs_exist_ok=True)
    copy = Bench.__new__(Bench)
    copy.__dict__.update(original.__dict__)
    copy.path, copy.key_path = tmp_path / "ledger.db", tmp_path / "keys" / "host.pem"
    return copy


def break_off_a_write(path: Path) -> None:
    """Leave the file as a cut in the midst of a commit with a rollback journal does."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    subprocess.run([sys.executable, "-c", BREAKS_OFF, str(path)], check=True, timeout=30)
    assert path.with_name(f"{path.name}-journal").stat().st_size


def test_whoever_only_reads_takes_back_what_was_broken_off(bench: Bench) -> None:
    entries = read_snapshot(bench.path)
    break_off_a_write(bench.path)
    report = bench.verify()
    assert report.valid, report.problem
    assert read_snapshot(bench.path) == entries


def test_a_link_to_a_ledger_that_was_broken_off_is_read_too(bench: Bench, tmp_path: Path) -> None:
    break_off_a_write(bench.path)
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.db"
    link.symlink_to(bench.path)
    assert read_snapshot(link).entries == bench.verify().entries


def test_an_empty_or_foreign_journal_beside_it_is_no_harm(bench: Bench) -> None:
    journal = bench.path.with_name(f"{bench.path.name}-journal")
    for content in (b"", b"no journal at all" * 99):
        journal.write_bytes(content)
        assert bench.verify().valid


def test_where_no_file_can_be_made_beside_it_the_line_says_so_and_not_damage(bench: Bench) -> None:
    bench.path.with_name(f"{bench.path.name}-shm").mkdir()
    bench.path.with_name(f"{bench.path.name}-wal").mkdir()
    with raises_saying(LedgerError, match="cannot be read now: files beside it"):
        read_page(bench.path, None, 5)
    with raises_saying(LedgerError, match="cannot be opened: files beside it"):
        bench.open()
    report = bench.verify()
    assert report.problem is not None
    assert report.problem.code == "ledger.read_failed"


@pytest.mark.parametrize("page", [1, 2, 5, 9])
def test_a_damaged_page_is_one_line_and_nothing_more_is_written(bench: Bench, page: int) -> None:
    with closing(sqlite3.connect(bench.path)) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    content = bytearray(bench.path.read_bytes())
    content[page * size : page * size + size // 2] = b"\xa5" * (size // 2)
    bench.path.write_bytes(content)
    with raises_saying(LedgerError, match="damaged"):
        bench.open()
    assert not verify_ledger(bench.path, bytes(32)).valid
    assert bench.path.read_bytes() == content
