"""The phones this computer paired with: each GUID and the address it was last reached at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from app.core.errors import BadInputError, reason_of
from workers.whole_file import replace_file

FILE_NAME: Final = "paired.json"
MAXIMUM_PHONES: Final = 1000
LOCK_TIMEOUT_S: Final = 10.0
"""Longer than anybody takes to write it."""


class PairedPhones:
    """A small file beside the keys, readable by its owner only."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    def addresses(self) -> dict[str, str]:
        """Return the last address (`HOST:PORT`, or nothing) of each GUID.

        Raises `BadInputError` where the file was damaged.
        """
        try:
            table = json.loads(self._path.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise BadInputError(
                "paired_phones.unreadable", path=str(self._path), reason=reason_of(error)
            ) from None
        if not isinstance(table, dict) or not all(isinstance(text, str) for text in table.values()):
            raise BadInputError("paired_phones.odd", path=str(self._path))
        return table

    def remember(self, guid: str, address: str = "") -> None:
        """Keep a phone, or its newest address, and whatever others keep meanwhile."""
        if self.addresses().get(guid) == address:
            return
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._alone():
            table = {**self.addresses(), guid: address}
            newest = dict(list(table.items())[-MAXIMUM_PHONES:])
            replace_file(self._path, json.dumps(newest).encode())

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other threads and programs from changing the file for the length of a block."""
        try:
            with FileLock(self._path.with_suffix(".lock"), LOCK_TIMEOUT_S, mode=0o600):
                yield
        except Timeout as error:
            raise BadInputError(
                "paired_phones.unreadable", path=str(self._path), reason=reason_of(error)
            ) from None
