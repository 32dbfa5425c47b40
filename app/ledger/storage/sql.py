"""The interface of a journal's storage, in the SQL that SQLite and PostgreSQL share.

Statements mark values by `?`; the implementations say what differs. `transfers` and `balances`
only repeat what the journal implies.
"""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from app.core.errors import LedgerError
from app.core.facts import Fact
from app.ledger.entry import Entry
from app.ledger.head import SignedHead
from app.ledger.rules.accounts import Posting

_BEYOND_ANY: Final = 2**63 - 1
"""The largest number of both."""
_HASH: Final = re.compile(r"[0-9A-Fa-f]{6,64}")
"""What is looked for in hashes; less than six digits would be in many of them."""
Term = tuple[str, Collection[str], Collection[str]]
"""Of a search: words, kinds of entries and other texts of which any will do."""
_ENTRIES: Final = "SELECT sequence, wall_ms, kind, body, previous_hash, entry_hash FROM journal"


class StorageError(Exception):
    """What a ledger is kept in failed; whether it wrote something is to be asked."""

    def __init__(self, fact: Fact) -> None:
        super().__init__(str(fact))
        self.fact = fact


@dataclass(frozen=True)
class StoredSnapshot:
    """What the entries up to some add up to, signed; most of it in parts that only ever grow."""

    content: bytes
    signature: bytes
    """64 bytes."""
    part: bytes = b""
    """What is new since the one before; read back by `snapshot_parts`."""
    begins_anew: bool = False
    """Whether this part is the first: those before are not of this one."""


@dataclass(frozen=True)
class StoredBatch:
    """What is written in one commit, under one head."""

    entries: Sequence[Entry]
    """None where only a snapshot is written; the head is then the one that is kept."""
    head: SignedHead
    transfers: Sequence[tuple[int, Posting]] = ()
    """Each with the sequence of its entry."""
    balances: Mapping[str, int] = field(default_factory=dict)
    format: int | None = None
    """That of the entries from here on, where it changes."""
    snapshot: StoredSnapshot | None = None


class JournalStorage(ABC):
    """The tables of one ledger. Used from the thread that opened it only."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the ledger."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """Commit durably everything written inside, or nothing."""

    @abstractmethod
    def consistent_read(self) -> AbstractContextManager[None]:
        """Read one moment of the ledger, whatever is written meanwhile.

        Raises `LedgerError` where what is there cannot be read.
        """

    def renew(self) -> None:  # noqa: B027 - nothing by default
        """Tell others that this one still writes. Raises `StorageError` where it may no more."""

    def listen(self) -> None:  # noqa: B027 - nothing by default
        """Begin to hear of what others write. Raises `StorageError`."""

    def wait_for_news(self, timeout_s: float) -> bool:
        """Return whether something may have been written, at the latest after that time.

        Raises `StorageError`.
        """
        time.sleep(timeout_s)
        return True

    @abstractmethod
    def is_empty(self) -> bool:
        """Say whether the tables are yet to be made. Raises `LedgerError`."""

    @abstractmethod
    def prepare_writing(self) -> None:
        """Bring tables up to date once the ledger was found to be right."""

    @abstractmethod
    def append(self, batch: StoredBatch) -> None:
        """Write a batch, whole and durably. Raises `StorageError`: it may be there all the same."""

    @abstractmethod
    def head_after_failure(self) -> SignedHead | None:
        """Return the head that is kept after an `append` that failed.

        Raises `StorageError` where that cannot be told yet.
        """

    @abstractmethod
    def damage(self) -> str:
        """Return what is wrong with what the ledger is kept in, nothing where it is sound."""

    @abstractmethod
    def back_up(self, path: Path) -> None:
        """Copy one moment of the ledger into a new file of SQLite. Raises `LedgerError`."""

    @abstractmethod
    def _run(self, statement: str, values: Sequence[Any] = ()) -> None: ...

    @abstractmethod
    def _run_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None: ...

    @abstractmethod
    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]: ...

    @abstractmethod
    def _stream(self, query: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        """Return rows of a query of any size; call inside `consistent_read`."""

    @abstractmethod
    def _containing(self, column: str, text: str, *, fold: bool) -> str:
        """Return the condition that a column has a text, in whatever case where `fold`."""

    @abstractmethod
    def _hexadecimal(self, column: str) -> str:
        """Return the expression for a column of bytes in upper-case hexadecimal."""

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """Return the entries beyond one, or all, to the newest."""
        query = f"{_ENTRIES} WHERE sequence > ? ORDER BY sequence"
        return (Entry(*row) for row in self._stream(query, (after,)))

    def entries_with(self, words: str) -> Iterator[Entry]:
        """Return the entries whose body has these words, the newest first."""
        where = f"WHERE {self._containing('body', words, fold=False)} ORDER BY sequence DESC"
        query = f"{_ENTRIES} {where}"
        return (Entry(*row) for row in self._stream(query, [words]))

    def entries_before(
        self, sequence: int | None, count: int, terms: Iterable[Term] = ()
    ) -> list[Entry]:
        """Return the newest entries older than one, or than any; the newest first.

        Of each term (words, kinds, other texts) only those whose body has the words or one of the
        texts in whatever case, those of that number or with that in the hexadecimal of their hash,
        and those of one of the kinds.
        """
        conditions = ["sequence < ?"]
        values: list[int | str] = [_BEYOND_ANY if sequence is None else sequence]
        for term in terms:
            matching, wanted = self._matching(*term)
            conditions.append(f"({matching})")
            values += wanted
        where = f"WHERE {' AND '.join(conditions)} ORDER BY sequence DESC LIMIT ?"
        return [Entry(*row) for row in self._rows(f"{_ENTRIES} {where}", [*values, count])]

    def newest_slashes(self, count: int) -> list[Entry]:
        """Return the newest entries that slashed a phone; the newest first."""
        where = "WHERE kind = 'slashed' ORDER BY sequence DESC LIMIT ?"
        return [Entry(*row) for row in self._rows(f"{_ENTRIES} {where}", [count])]

    def entry_hashes(self, start: int, end: int) -> list[bytes]:
        """Return the hashes of the entries from `start`, counted from 0, to before `end`.

        Raises `LedgerError` where there are not so many.
        """
        query = "SELECT entry_hash FROM journal WHERE sequence BETWEEN ? AND ? ORDER BY sequence"
        rows = self._rows(query, (start + 1, end))
        if len(rows) != end - start:
            raise LedgerError("ledger.entries_missing", count=end - start - len(rows))
        return [row[0] for row in rows]

    def head(self) -> SignedHead | None:
        """Return the head, None where there is not exactly one."""
        rows = self._rows("SELECT size, last_hash, root, signature FROM head")
        return SignedHead(*rows[0]) if len(rows) == 1 else None

    def transfers(self, after: int = 0) -> Iterator[tuple[int, Posting]]:
        """Return every transfer of entries beyond one with its entry's sequence, in their order."""
        query = "SELECT sequence, id, debit, credit, amount FROM transfers"
        where = "WHERE sequence > ? ORDER BY sequence" if after else "ORDER BY sequence"
        rows = self._stream(f"{query} {where}", (after,) if after else ())
        return ((row[0], Posting(*row[1:])) for row in rows)

    def balances(self) -> dict[str, int]:
        """Return the balance of every account, in micro-credits."""
        return dict(self._rows("SELECT account, amount FROM balances"))

    def snapshot(self) -> StoredSnapshot | None:
        """Return the newest snapshot without its parts, None where there is none."""
        rows = self._rows("SELECT content, signature FROM snapshot")
        return StoredSnapshot(*rows[0]) if len(rows) == 1 else None

    def snapshot_parts(self) -> Iterator[bytes]:
        """Return the parts of all snapshots so far, oldest first; each is read as it is asked."""
        count = self._rows("SELECT count(*) FROM snapshot_parts")[0][0]
        for number in range(1, count + 1):
            rows = self._rows("SELECT content FROM snapshot_parts WHERE number = ?", [number])
            yield rows[0][0] if rows else b""

    def _write(self, batch: StoredBatch) -> None:
        """Write a batch; call inside a transaction."""
        self._run_many(
            "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    entry.sequence,
                    entry.wall_ms,
                    entry.kind,
                    entry.body,
                    entry.previous_hash,
                    entry.entry_hash,
                )
                for entry in batch.entries
            ],
        )
        head = batch.head
        self._run(
            "INSERT INTO head VALUES (1, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " size = excluded.size, last_hash = excluded.last_hash, root = excluded.root,"
            " signature = excluded.signature",
            (head.size, head.last_hash, head.root, head.signature),
        )
        self._run_many(
            "INSERT INTO transfers VALUES (?, ?, ?, ?, ?)",
            [
                (transfer.id, sequence, transfer.debit, transfer.credit, transfer.amount)
                for sequence, transfer in batch.transfers
            ],
        )
        self._run_many(
            "INSERT INTO balances VALUES (?, ?)"
            " ON CONFLICT (account) DO UPDATE SET amount = excluded.amount",
            list(batch.balances.items()),
        )
        if batch.snapshot is not None:
            self._write_snapshot(batch.snapshot)

    def _write_snapshot(self, snapshot: StoredSnapshot) -> None:
        if snapshot.begins_anew:
            self._run("DELETE FROM snapshot_parts")
        self._run(
            "INSERT INTO snapshot_parts SELECT coalesce(max(number), 0) + 1, ? FROM snapshot_parts",
            [snapshot.part],
        )
        self._run(
            "INSERT INTO snapshot VALUES (1, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " content = excluded.content, signature = excluded.signature",
            (snapshot.content, snapshot.signature),
        )

    def _matching(
        self, words: str, kinds: Collection[str], also: Collection[str]
    ) -> tuple[str, list[int | str]]:
        """Return the condition of a term of a search, and what its marks stand for."""
        texts = (words, *also)
        conditions = [self._containing("body", text, fold=True) for text in texts]
        values: list[int | str] = [text.casefold() for text in texts]
        if kinds:
            conditions.append(f"kind IN ({', '.join('?' * len(kinds))})")
            values += kinds
        if words.isascii() and words.isdecimal():
            conditions.append("CAST(sequence AS TEXT) = ?")
            values.append(words.lstrip("0"))
        if _HASH.fullmatch(words):
            conditions.append(self._containing(self._hexadecimal("entry_hash"), words, fold=False))
            values.append(words.upper())
        return " OR ".join(conditions), values
