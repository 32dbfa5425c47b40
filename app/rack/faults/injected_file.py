"""Which faults are set, on the disk before they are: what a crash leaves behind is known by it."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Final

from app.core.identifiers import Serial
from app.faults.catalogue import Fault
from workers.whole_file import replace_file

FILE: Final = "injected.json"
LARGEST_BYTES: Final = 1 << 20


class InjectedFile:
    """Serials of phones with a fault on them, with the fault's text form. Blocking."""

    def __init__(self, folder: Path) -> None:
        """Keep it in a home's folder."""
        self._path = folder / FILE
        self._faults: dict[Serial, str] = {}

    def left_behind(self) -> dict[Serial, str]:
        """Return what was set when the rack before this one ended, and was never lifted.

        It stays noted until it is lifted. A file that cannot be read tells nothing: workers are
        started anew at an opening anyway.
        """
        self._faults = {**self._read(), **self._faults}
        return dict(self._faults)

    def _read(self) -> dict[Serial, str]:
        try:
            if self._path.stat().st_size > LARGEST_BYTES:
                return {}
            told = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(told, dict):
            return {}
        return {Serial(phone): fault for phone, fault in told.items() if isinstance(fault, str)}

    def begin(self, fault: Fault) -> None:
        """Note a fault that is about to be set. Raises `OSError`."""
        self._faults[fault.serial] = str(fault)
        self._write()

    def end(self, serial: Serial) -> None:
        """Forget a fault that was lifted. Raises `OSError`."""
        if self._faults.pop(serial, None) is not None:
            self._write()

    def forget(self, but: Collection[Serial] = ()) -> None:
        """Forget all faults but of some phones: no other worker that had one is left."""
        self._faults = {phone: each for phone, each in self._faults.items() if phone in but}
        self._write()

    def _write(self) -> None:
        if self._faults:
            replace_file(self._path, json.dumps(self._faults).encode())
        else:
            self._path.unlink(missing_ok=True)
