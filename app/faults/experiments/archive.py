"""Experiments kept in the home, one file each, whole or not there. Blocking."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from app.core.errors import BadInputError, reason_of
from app.faults.experiments.outcome import ExperimentRecord
from workers.whole_file import replace_file

FOLDER: Final = "experiments"
LARGEST_BYTES: Final = 16 << 20
MOST_KEPT: Final = 500
"""The oldest give way."""
_PLAIN: Final = re.compile(r"[0-9]{8}-[0-9]{6}-[a-z0-9-]{1,40}")
_FORM: Final = TypeAdapter(ExperimentRecord)


class ExperimentArchive:
    """The experiments of a home."""

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER

    def keep(self, record: ExperimentRecord) -> None:
        """Write an experiment. Raises `BadInputError` where the disk does not take it."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(self._path(record.identifier), _FORM.dump_json(record))
            for old in self.identifiers()[MOST_KEPT:]:
                self._path(old).unlink(missing_ok=True)
        except OSError as error:
            raise BadInputError("experiment.not_kept", reason=reason_of(error)) from None

    def identifiers(self) -> list[str]:
        """Return which there are, the newest first."""
        found = (path.stem for path in self._folder.glob("*.json"))
        return sorted(filter(_PLAIN.fullmatch, found), reverse=True)

    def read(self, identifier: str) -> ExperimentRecord:
        """Return an experiment. Raises `BadInputError` for one that is not there or damaged."""
        if not _PLAIN.fullmatch(identifier) or not self._path(identifier).is_file():
            raise BadInputError("experiment.unknown", name=identifier[:80])
        try:
            if self._path(identifier).stat().st_size > LARGEST_BYTES:
                raise BadInputError("experiment.damaged", name=identifier)
            return _FORM.validate_json(self._path(identifier).read_bytes(), strict=True)
        except (OSError, ValidationError):
            raise BadInputError("experiment.damaged", name=identifier) from None

    def all(self) -> list[ExperimentRecord]:
        """Return those that can be read, the newest first."""
        records = []
        for identifier in self.identifiers():
            try:
                records.append(self.read(identifier))
            except BadInputError:
                continue
        return records

    def _path(self, identifier: str) -> Path:
        return self._folder / f"{identifier}.json"


def new_identifier(name: str, wall_ms: int) -> str:
    """Return what an experiment is called in the archive: when it began, and its name in ASCII."""
    began = datetime.fromtimestamp(wall_ms / 1000, UTC).strftime("%Y%m%d-%H%M%S")
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")
    return f"{began}-{plain or 'experiment'}"
