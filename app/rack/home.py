"""The folder that holds all state, and the lock that keeps it to one rack at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from app.core.errors import BadInputError, reason_of
from app.ledger.storage.places import DatabasePlace, LedgerPlace


@dataclass(frozen=True)
class Home:
    """Where everything is kept below one folder."""

    folder: Path
    ledger_address: str = ""
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
        """Where the ledger is."""
        if self.ledger_address:
            return DatabasePlace(self.ledger_address, self.folder / "evidence")
        return self.ledger_file

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
