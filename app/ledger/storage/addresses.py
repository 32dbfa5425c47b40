"""Where a ledger is: the path of a file, or the address of a database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from app.core.errors import BadInputError

SCHEMES: Final = ("postgresql", "postgres")


@dataclass(frozen=True)
class DatabasePlace:
    """A ledger in PostgreSQL: libpq's connection address, and where evidence is kept here."""

    address: str
    evidence: Path

    def __str__(self) -> str:
        """Return the address without password, as people may see it."""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"


LedgerPlace = Path | DatabasePlace


def place_of(given: str, home_folder: Path) -> LedgerPlace:
    """Return the place that somebody named: an address, or the path of a file.

    Raises `BadInputError` for an address of another kind of database.
    """
    if "://" not in given:
        return Path(given)
    if urlsplit(given).scheme not in SCHEMES:
        raise BadInputError("ledger.unknown_place", place=given.partition("://")[0])
    return DatabasePlace(given, home_folder / "evidence")


def place_text(place: LedgerPlace) -> str:
    """Return a place as people read it, no password in it."""
    return str(place)


def evidence_folder(ledger: LedgerPlace) -> Path:
    """Return where a ledger's evidence lies: beside its file, or in the home of who uses it."""
    return ledger.with_name("evidence") if isinstance(ledger, Path) else ledger.evidence
