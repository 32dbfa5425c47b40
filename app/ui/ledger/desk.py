"""What is asked of the ledger in a process of its own: to replay it would hold the window."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.core.identifiers import is_sha256
from app.ledger.storage.addresses import evidence_folder
from app.rack.home import Home

EXPORT_FORMS: Final = {".jsonl": "jsonl", ".csv": "csv", ".json": "json"}
"""What the ending of a file's name asks for."""


@dataclass(frozen=True)
class LedgerDesk:
    """The terminal's own commands about the ledger of a home. Qt-free."""

    home: Path

    def verify_command(self) -> tuple[str, ...]:
        """Return what replays the journal and says whether it is untouched."""
        return self._command("verify")

    def export_command(self, form: str) -> tuple[str, ...]:
        """Return what prints every entry in one of `EXPORT_FORMS`."""
        return self._command("export", "--format", form)

    def evidence_command(self, evidence: str) -> tuple[str, ...]:
        """Return what judges the file that a slash rests on again; empty where none is kept."""
        digest = evidence_name(evidence)
        file = evidence_folder(Home(self.home).ledger_place) / digest
        return self._command("verify", "--evidence", str(file)) if digest and file.exists() else ()

    def _command(self, *words: str) -> tuple[str, ...]:
        return (sys.executable, "-m", "app", "--home", str(self.home), "ledger", *words)


def evidence_name(evidence: str) -> str:
    """Return the name of the file that journalled evidence speaks of; empty where it names none."""
    try:
        held = json.loads(evidence)
    except ValueError:
        return ""
    test = held.get("sharp_test") if isinstance(held, dict) else None
    name = test.get("evidence") if isinstance(test, dict) else None
    return name if isinstance(name, str) and is_sha256(name) else ""
