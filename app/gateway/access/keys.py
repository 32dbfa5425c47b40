"""Keys for the address: made once, shown once, kept as hashes below the home.

A key is 256 random bits, so that one plain hash of it is as good as a slow one.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from app.core.clock import Clock
from app.core.errors import BadInputError, ShardloomError, reason_of
from app.rack.door.serving import ApiKey, KeyLimits

KEYS_FILE: Final = "http-keys.sqlite"
"""In the home's folder of keys, which only its owner can read."""
PREFIX: Final = "sk-shardloom-"
LONGEST_NAME: Final = 64
_KEY_BYTES: Final = 32
_BUSY_TIMEOUT_S: Final = 2.0
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS keys (
    name TEXT PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    created_ms INTEGER NOT NULL,
    revoked_ms INTEGER,
    requests_per_minute INTEGER,
    tokens_per_minute INTEGER,
    used_ms INTEGER
) STRICT
"""
_LATER_COLUMN: Final = ("used_ms", "ALTER TABLE keys ADD COLUMN used_ms INTEGER")
"""A home of an earlier version has none."""
_USE_STEP_MS: Final = 60_000
"""A use is noted again after that long: a request need not wait for the disk."""
_NOTING_TIMEOUT_S: Final = 0.02


class KeyStore:
    """All keys of a home, those that were revoked included. Any process may use it at any time.

    Every method raises `ShardloomError` where the file cannot be used.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        """`folder` is the home's folder of keys; it need not be there yet."""
        self._path = folder / KEYS_FILE
        self._clock = clock

    def add(self, name: str, limits: KeyLimits) -> str:
        """Make a key and return it; it cannot be had again. Raises `BadInputError`."""
        if not (0 < len(name) <= LONGEST_NAME and name.isprintable() and name == name.strip()):
            raise BadInputError("gateway.key_name", longest=LONGEST_NAME)
        key = PREFIX + secrets.token_urlsafe(_KEY_BYTES)
        row = (
            name,
            _digest(key),
            self._clock.wall_ms(),
            limits.requests_per_minute,
            limits.tokens_per_minute,
        )
        with self._writing() as database:
            try:
                database.execute("INSERT INTO keys VALUES (?, ?, ?, NULL, ?, ?, NULL)", row)
            except sqlite3.IntegrityError:
                raise BadInputError("gateway.key_taken", name=name) from None
        return key

    def revoke(self, name: str) -> None:
        """Let a key open nothing any more. Raises `BadInputError` where there is none."""
        with self._writing() as database:
            changed = database.execute(
                "UPDATE keys SET revoked_ms = ? WHERE name = ? AND revoked_ms IS NULL",
                (self._clock.wall_ms(), name),
            )
            if changed.rowcount == 0:
                raise BadInputError("gateway.key_unknown", name=name)

    def all(self) -> tuple[ApiKey, ...]:
        """Return every key there ever was, oldest first."""
        return self._read("SELECT * FROM keys ORDER BY created_ms, name")

    def find(self, key: str) -> ApiKey | None:
        """Return what is known of a key; None for one that was not made here, or was revoked."""
        found = self._read("SELECT * FROM keys WHERE digest = ?", _digest(key))
        return found[0] if found and found[0].valid else None

    def note_use(self, key: ApiKey) -> None:
        """Note that a key opened the address; where that cannot be written nobody is refused."""
        now_ms = self._clock.wall_ms()
        if key.used_ms is not None and 0 <= now_ms - key.used_ms < _USE_STEP_MS:
            return
        with suppress(OSError, sqlite3.Error), closing(self._open(_NOTING_TIMEOUT_S)) as database:
            _complete(database)
            database.execute("UPDATE keys SET used_ms = ? WHERE name = ?", (now_ms, key.name))

    def is_valid(self, name: str) -> bool:
        """Tell whether the key of that name opens the address now."""
        found = self._read("SELECT * FROM keys WHERE name = ?", name)
        return bool(found) and found[0].valid

    def _read(self, query: str, *values: object) -> tuple[ApiKey, ...]:
        if not self._path.exists():
            return ()
        try:
            with closing(self._open()) as database:
                database.row_factory = sqlite3.Row
                rows = database.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._unusable(error) from None
        return tuple(map(_key_of, rows))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
            with closing(self._open()) as database:
                database.execute(_TABLE)
                _complete(database)
                yield database
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from None

    def _open(self, timeout_s: float = _BUSY_TIMEOUT_S) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=timeout_s, isolation_level=None)

    def _unusable(self, error: Exception) -> ShardloomError:
        reason = reason_of(error)
        return ShardloomError("gateway.keys_unusable", path=str(self._path), reason=reason)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="replace")).digest()


def _key_of(row: sqlite3.Row) -> ApiKey:
    limits = KeyLimits(row["requests_per_minute"], row["tokens_per_minute"])
    used_ms = row["used_ms"] if "used_ms" in row.keys() else None  # noqa: SIM118 - a row is no dict
    return ApiKey(row["name"], limits, row["created_ms"], row["revoked_ms"], used_ms)


def _complete(database: sqlite3.Connection) -> None:
    """Add what a table of an earlier version lacks; another process may do so at the same time."""
    name, statement = _LATER_COLUMN
    columns = {row[1] for row in database.execute("PRAGMA table_info(keys)")}
    if name not in columns:
        try:
            database.execute(statement)
        except sqlite3.OperationalError as error:
            if "duplicate column" not in str(error):
                raise
