"""The folder that holds all state, and the lock that keeps it to one rack at a time."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from app.core.errors import BadInputError, reason_of
from app.core.identifiers import LEDGER_VARIABLE
from app.ledger.storage.addresses import LedgerPlace, place_of


@dataclass(frozen=True)
class Home:
    """Where everything is kept below one folder."""

    folder: Path
    ledger_address: str = field(default_factory=lambda: os.environ.get(LEDGER_VARIABLE, ""))
    """Of a database that holds the ledger; empty where that is a file in the folder."""

    @property
    def keys(self) -> Path:
        """Private keys, readable by their owner only."""
        return self.folder / "keys"

    @property
    def ledger_file(self) -> Path:
        """The ledger's database."""
        return self.folder / "ledger.sqlite"

    @property
    def ledger_place(self) -> LedgerPlace:
        """Where the ledger is. Raises `BadInputError` for an address of another kind."""
        if self.ledger_address:
            return place_of(self.ledger_address, self.folder)
        return self.ledger_file

    def has_ledger(self) -> bool:
        """Tell whether there is a ledger, as far as that is known without asking a database."""
        return bool(self.ledger_address) or self.ledger_file.is_file()

    @property
    def ledger_key(self) -> Path:
        """The key that signs the ledger's heads."""
        return self.keys / "ledger.key"

    @property
    def started_phones(self) -> Path:
        """Folders of the phones that are started with a rack."""
        return self.folder / "virtual"

    def prepare(self) -> None:
        """Make the folder. Raises `BadInputError` where it cannot be written."""
        try:
            self.keys.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.keys.chmod(0o700)
        except OSError as error:
            raise BadInputError(
                "home.unusable", folder=str(self.folder), reason=reason_of(error)
            ) from None


class HomeLock:
    """Held while a rack is open; ends with the process, whatever ends it."""

    def __init__(self, home: Home) -> None:
        self._folder = home.folder
        self._lock = FileLock(home.folder / "lock", timeout=0, thread_local=False)

    def acquire(self) -> None:
        """Take the lock. Raises `BadInputError` where another Shardloom holds it."""
        try:
            self._lock.acquire()
        except Timeout:
            raise BadInputError("home.in_use", folder=str(self._folder)) from None

    def release(self) -> None:
        """Give the lock back."""
        self._lock.release()
