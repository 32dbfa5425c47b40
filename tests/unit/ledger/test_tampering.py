"""Whatever is changed in a ledger, verification notices, or nothing it says was changed."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.core.errors import LedgerError
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.verification import verify_ledger
from app.ledger.views.export import export_ledger
from app.words.sentences import fact_text
from tests.soak import slice_of
from tests.unit.ledger.support import Bench, eventful

COLUMNS = ("sequence", "wall_ms", "kind", "body", "previous_hash", "entry_hash")
TRIGGERS = (
    "journal_never_changes",
    "journal_never_shrinks",
    "transfers_never_change",
    "transfers_never_vanish",
)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    bench = eventful(tmp_path_factory.mktemp("original"))
    assert bench.verify().valid
    return bench


@pytest.fixture
def copy(original: Bench, tmp_path: Path) -> Path:
    return Path(shutil.copy(original.path, tmp_path / "copy.db"))


def tamper(path: Path, *statements: str) -> None:
    """Run statements as somebody who may write the file and knows SQL."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for trigger in TRIGGERS:
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            connection.execute(statement)


def changed_places(size: int) -> list[int]:
    """One of each class of position: the first, one in the middle, the last."""
    return sorted({0, size // 2, size - 1} & set(range(size)))


def changes_of(value: int | str | bytes) -> Iterator[int | str | bytes]:
    """Every class of single-byte change of a column's value."""
    if isinstance(value, int):
        yield from (value ^ (1 << bit) for bit in (0, 7, 8, 31, 62))
        return
    data = value.encode() if isinstance(value, str) else value
    for place in changed_places(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 1
        yield flipped.decode() if isinstance(value, str) else bytes(flipped)
    yield value[:-1]
    yield value + " " if isinstance(value, str) else value + b"\0"


@pytest.mark.parametrize("every", slice_of((1, 5), 5))
def test_every_column_of_every_row_is_covered(original: Bench, copy: Path, every: int) -> None:
    """Of each row at least one change of each column; all changes of all rows in `make soak`."""
    key = read_public_key(original.key_path)
    tamper(copy)
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        rows = connection.execute("SELECT * FROM journal").fetchall()
        tried = 0
        for number, row in enumerate(rows):
            for column, value in zip(COLUMNS, row, strict=True):
                update = f"UPDATE journal SET {column} = ? WHERE sequence = ?"  # noqa: S608 - ours
                for changed in list(changes_of(value))[number % every :: every]:
                    place = changed if column == "sequence" else row[0]
                    try:
                        connection.execute(update, (changed, row[0]))
                    except sqlite3.IntegrityError:
                        continue
                    assert not verify_ledger(copy, key).valid, (row[0], column, changed)
                    connection.execute(update, (value, place))
                    tried += 1
        assert tried > 20 * len(rows) / every
    assert verify_ledger(copy, key).valid


@pytest.mark.parametrize("column", ["size", "last_hash", "root", "signature"])
def test_every_column_of_the_head_is_covered(original: Bench, copy: Path, column: str) -> None:
    key = read_public_key(original.key_path)
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        select, update = f"SELECT {column} FROM head", f"UPDATE head SET {column} = ?"  # noqa: S608 - ours
        (value,) = connection.execute(select).fetchone()
        for changed in changes_of(value):
            connection.execute(update, (changed,))
            assert not verify_ledger(copy, key).valid, changed
    assert verify_ledger(original.path, key).valid


TAMPERINGS = {
    "a cut tail": ["DELETE FROM journal WHERE sequence = (SELECT max(sequence) FROM journal)"],
    "a cut tail with its transfers": [
        "DELETE FROM transfers WHERE sequence > 20",
        "DELETE FROM journal WHERE sequence > 20",
    ],
    "a missing entry": ["DELETE FROM journal WHERE sequence = 7"],
    "an emptied journal": ["DELETE FROM journal"],
    "a missing head": ["DELETE FROM head"],
    "two entries exchanged": [
        "UPDATE journal SET sequence = 9999 WHERE sequence = 5",
        "UPDATE journal SET sequence = 5 WHERE sequence = 6",
        "UPDATE journal SET sequence = 6 WHERE sequence = 9999",
    ],
    "a balance raised": ["UPDATE balances SET amount = amount + 1 WHERE account = 'operator'"],
    "a balance added": ["INSERT INTO balances VALUES ('phone:mallory', 5)"],
    "a balance removed": ["DELETE FROM balances WHERE account = 'treasury'"],
    "a transfer edited": ["UPDATE transfers SET amount = amount + 1"],
    "a transfer redirected": ["UPDATE transfers SET credit = 'phone:mallory'"],
    "a transfer added": ["INSERT INTO transfers VALUES ('x', 1, 'operator', 'treasury', 1)"],
    "a transfer removed": ["DELETE FROM transfers WHERE id LIKE 'slash:%'"],
    "a table dropped": ["DROP TABLE transfers"],
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_found(original: Bench, copy: Path, name: str) -> None:
    tamper(copy, *TAMPERINGS[name])
    report = verify_ledger(copy, read_public_key(original.key_path))
    assert not report.valid
    assert report.problem


def test_dropped_triggers_alone_change_nothing(original: Bench, copy: Path) -> None:
    tamper(copy)
    assert verify_ledger(copy, read_public_key(original.key_path)).valid


def test_a_history_rewritten_and_signed_with_another_key_is_found(
    original: Bench, tmp_path: Path
) -> None:
    forged = eventful(tmp_path)
    report = verify_ledger(forged.path, read_public_key(original.key_path))
    assert report.problem
    assert "not signed with this ledger's key" in fact_text(report.problem)


def readable(path: Path) -> object:
    try:
        return export_ledger(path)
    except LedgerError as error:
        return str(error)


def file_changes(data: bytes, pick: random.Random, count: int) -> Iterator[tuple[int, int]]:
    for _ in range(count):
        yield pick.randrange(len(data)), pick.randrange(1, 256)


@pytest.mark.parametrize("count", slice_of((100, 400), 100))
def test_a_random_byte_of_the_file_is_either_noticed_or_says_the_same(
    original: Bench, copy: Path, count: int
) -> None:
    key = read_public_key(original.key_path)
    data, said = original.path.read_bytes(), readable(original.path)
    noticed = 0
    pick = random.Random(6079)  # noqa: S311 - not for secrets
    for place, mask in file_changes(data, pick, count):
        flipped = bytearray(data)
        flipped[place] ^= mask
        copy.write_bytes(flipped)
        if verify_ledger(copy, key).valid:
            assert readable(copy) == said, place
        else:
            noticed += 1
        for side_file in ("copy.db-wal", "copy.db-shm"):
            copy.with_name(side_file).unlink(missing_ok=True)
    assert noticed > count / 4


def _truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _emptied(_data: bytes) -> bytes:
    return b""


def _garbled(data: bytes) -> bytes:
    return data[:100] + bytes(len(data) - 100)


@pytest.mark.parametrize("damage", [_truncated, _emptied, _garbled])
def test_a_damaged_file_is_reported_in_one_line_and_not_used(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    bench = eventful(tmp_path)
    damaged = damage(bench.path.read_bytes())
    bench.path.write_bytes(damaged)
    report = bench.verify()
    assert not report.valid
    assert report.problem
    assert "\n" not in fact_text(report.problem)
    if damaged:
        with pytest.raises(LedgerError):
            bench.open()
        assert bench.path.read_bytes() == damaged
