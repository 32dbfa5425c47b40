"""Which faults are set, on the disk before they are: what a crash leaves behind is known by it."""

from __future__ import annotations

import json
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

        A file that cannot be read tells nothing: workers are started anew at an opening anyway.
        """
        try:
            if self._path.stat().st_size > LARGEST_BYTES:
                return {}
            told = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(told, dict):
            return {}
        return {Serial(phone): str(fault) for phone, fault in told.items()}

    def begin(self, fault: Fault) -> None:
        """Note a fault that is about to be set. Raises `OSError`."""
        self._faults[fault.serial] = str(fault)
        self._write()

    def end(self, serial: Serial) -> None:
        """Forget a fault that was lifted. Raises `OSError`."""
        if self._faults.pop(serial, None) is not None:
            self._write()

    def forget(self) -> None:
        """Forget everything: no worker that had a fault is left."""
        self._faults.clear()
        self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        if self._faults:
            replace_file(self._path, json.dumps(self._faults).encode())
        else:
            self._path.unlink(missing_ok=True)
