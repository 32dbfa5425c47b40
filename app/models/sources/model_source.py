"""What is imported, wherever it lies: looked at first, then brought here."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from app.core.errors import BadInputError
from app.core.facts import Fact
from app.models.configuration import Configuration
from app.models.formats.checkpoint import INDEX_FILE, WEIGHTS_FILE
from app.models.formats.gguf.configuration import gguf_configuration
from app.models.formats.gguf.header import GGUF_SUFFIX, CutShortError, read_header
from app.models.formats.model_folder import CONFIGURATION_FILE
from app.models.formats.source import folder_configuration
from app.models.pictures.settings import with_picture_settings
from app.models.sources.hub_download import HubDownload
from app.models.sources.hub_files import HubFile, checkpoint_files, settings_of
from app.models.sources.reference import HubReference

FIRST_LOOK_BYTES = 1 << 20
LONGEST_LOOK_BYTES = 256 << 20
"""Of a GGUF file's beginning, until its head is whole."""
_MAXIMUM_NAME = 56

Told = Callable[[str, int, int], None]
"""Called with a file's name, the bytes that are here and those that are wanted in all."""


class ModelSource(ABC):
    """Weights that can be imported. What raises, raises `ShardloomError`."""

    name: str
    """What to call it here unless a person says otherwise, without its quantisation."""
    note: Fact | None = None
    """Told where it is not quite what was asked for."""

    @abstractmethod
    def configuration(self) -> Configuration | None:
        """Return its configuration, read before anything large; None where it has none."""

    @abstractmethod
    def missing_bytes(self) -> int:
        """Return how much has to be downloaded."""

    @abstractmethod
    def fetch(self, told: Told) -> Path:
        """Return the folder or file to import, after downloading what lacks.

        What has come is kept where this is interrupted.
        """


class LocalSource(ModelSource):
    """A folder or a file of this computer."""

    def __init__(self, path: Path, name: str | None = None, note: Fact | None = None) -> None:
        self._path = path
        self.name = name or _plain_name(path.absolute())
        self.note = note

    def configuration(self) -> Configuration | None:
        """Return the folder's configuration, or the one that a GGUF file's head makes."""
        if self._path.suffix.lower() == GGUF_SUFFIX:
            return gguf_configuration(read_header(self._path))
        return folder_configuration(self._path)

    def missing_bytes(self) -> int:
        """Return nothing: all of it is here."""
        return 0

    def fetch(self, told: Told) -> Path:  # noqa: ARG002 - nothing is to be told
        """Return where it lies."""
        return self._path


class HubCheckpoint(ModelSource):
    """A repository with a configuration and weights."""

    def __init__(self, download: HubDownload, reference: HubReference) -> None:
        self._download = download
        self._reference = reference
        self.name = repository_name(reference)
        self._settings = {
            file.name: download.fetch(file, _ignore) for file in settings_of(download.listing.files)
        }
        self._files = checkpoint_files(download.listing.files, self._weights())

    def configuration(self) -> Configuration | None:
        """Return what `config.json` says."""
        path = self._settings.get(CONFIGURATION_FILE)
        if path is None:
            raise BadInputError("hub.no_configuration", model=str(self._reference))
        return with_picture_settings(Configuration.from_file(path), path.parent)

    def missing_bytes(self) -> int:
        """Return how much of the files is not in the cache."""
        return sum(self._download.missing_bytes(file) for file in self._files)

    def fetch(self, told: Told) -> Path:
        """Return the snapshot's folder in the cache."""
        if missing := self.missing_bytes():
            self._download.require_space(missing)
        total = sum(file.size_bytes for file in self._files)
        done, folder = 0, self._settings[CONFIGURATION_FILE].parent
        for file in self._files:
            self._download.fetch(file, _within(told, file, done, total))
            done += file.size_bytes
        self._download.remember(self._reference.revision, self._files[0])
        return folder

    def _weights(self) -> tuple[str, ...]:
        index = self._settings.get(INDEX_FILE)
        if index is None:
            return (WEIGHTS_FILE,)
        placed = Configuration.from_file(index).section("weight_map")
        return tuple({str(name) for name in placed.values.values()} if placed else ())


class HubGguf(ModelSource):
    """One GGUF file of a repository; its head is all that is needed to look at it."""

    def __init__(self, download: HubDownload, reference: HubReference, file: HubFile) -> None:
        self._download = download
        self._reference = reference
        self._file = file
        self.name = _plain_name(Path(file.name))

    def configuration(self) -> Configuration | None:
        """Return what the file's head says; no more than that is downloaded."""
        size_bytes = FIRST_LOOK_BYTES
        while True:
            path = self._download.beginning(self._file, size_bytes)
            try:
                return gguf_configuration(read_header(path, whole=False))
            except CutShortError:
                if size_bytes >= min(self._file.size_bytes, LONGEST_LOOK_BYTES):
                    raise
                size_bytes *= 4

    def missing_bytes(self) -> int:
        """Return how much of the file is not in the cache."""
        return self._download.missing_bytes(self._file)

    def fetch(self, told: Told) -> Path:
        """Return the file's place in the cache."""
        size_bytes = self._file.size_bytes
        path = self._download.fetch(self._file, _within(told, self._file, 0, size_bytes))
        self._download.remember(self._reference.revision, self._file)
        return path


def repository_name(reference: HubReference) -> str:
    """Return what a repository is called here, without its owner."""
    return _plain_name(Path(reference.repository))


def _plain_name(path: Path) -> str:
    """Return a name of letters, digits, dots, dashes and underscores."""
    stem = path.stem if path.suffix.lower() in (GGUF_SUFFIX, ".onnx") else path.name
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("._-")
    return plain[:_MAXIMUM_NAME] or "model"


def _within(told: Told, file: HubFile, before: int, total: int) -> Callable[[int], None]:
    def tell(done: int) -> None:
        told(file.name, before + done, total)

    return tell


def _ignore(_done: int) -> None:
    """Tell nobody."""
