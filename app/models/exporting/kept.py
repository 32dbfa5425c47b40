"""Exported graphs that outlive an interrupted import: the next one need not export again."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from filelock import FileLock, Timeout

from app.core.errors import BadInputError
from app.models.configuration import Configuration
from app.models.files import FORGOTTEN_AFTER_S, write_whole

FOLDER_PREFIX = "export-"
_LOCK_PREFIX = "lock-"
GRAPH_FILE = "model.onnx"
_PACKAGES = ("shardloom", "torch", "transformers", "onnxscript", "onnx", "onnxruntime")
_SOURCE_PATTERNS = ("*.json", "*.safetensors", "*.bin")
_WHOLE, _NOTE_FILE = "whole", "export.json"


@dataclass(frozen=True)
class KeptExport:
    """The place of one checkpoint's graph; the graph is there from `keep` on."""

    place: Path
    source: Path

    @property
    def graph(self) -> Path:
        """Where the graph lies once it is whole, its weights beside it."""
        return self.place / _WHOLE / GRAPH_FILE

    def is_whole(self) -> bool:
        """Read the graph and its weights; returns whether they are what was written."""
        note = _note(self.place)
        return bool(note) and note.get("files") == _digests(self.graph.parent)

    @contextmanager
    def attempt(self) -> Iterator[Path]:
        """Yield where to write a graph; it is kept where no exception ends this."""
        shutil.rmtree(self.place / _WHOLE, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=self.place, ignore_cleanup_errors=True) as folder:
            graph = Path(folder) / "graph" / GRAPH_FILE
            graph.parent.mkdir()
            yield graph
            note = {"source": str(self.source), "files": _digests(graph.parent)}
            write_whole(graph.parent / _NOTE_FILE, [json.dumps(note).encode()])
            graph.parent.replace(self.place / _WHOLE)


@contextmanager
def kept_export(folder: Path, workspace: Path) -> Iterator[KeptExport]:
    """Yield the place of a checkpoint's graph, under its content and the exporter's versions.

    A whole graph stays there only where this is interrupted: not where all went well, and not where
    `BadInputError` says that it cannot be used. Graphs of what the folder held before are removed.
    """
    workspace.mkdir(parents=True, exist_ok=True)
    source, key = folder.resolve(), _key(folder)
    _forget(workspace, source, FOLDER_PREFIX + key)
    place, lock = _claimed(workspace, FOLDER_PREFIX + key)
    is_kept = False
    try:
        yield KeptExport(place, source)
    except BadInputError:
        raise
    except BaseException:
        is_kept = place.name == FOLDER_PREFIX + key and bool(_note(place))
        raise
    finally:
        if not is_kept:
            shutil.rmtree(place, ignore_errors=True)
        lock.release()


def _key(folder: Path) -> str:
    versions = {name: metadata.version(name) for name in _PACKAGES}
    files = {
        path.name: _digest(path)
        for pattern in _SOURCE_PATTERNS
        for path in folder.glob(pattern)
        if path.is_file()
    }
    content = json.dumps([versions, files], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digests(folder: Path) -> Mapping[str, str]:
    return {path.name: _digest(path) for path in folder.iterdir() if path.name != _NOTE_FILE}


def _note(place: Path) -> Mapping[str, object]:
    """Return what is noted about a whole graph; nothing where there is none."""
    try:
        return Configuration.from_file(place / _WHOLE / _NOTE_FILE).values
    except BadInputError:
        return {}


def _claimed(workspace: Path, name: str) -> tuple[Path, FileLock]:
    """Return a folder that is this import's alone: another one where that of the name is in use."""
    place = workspace / name
    lock = _claim(place)
    while lock is None:
        place = workspace / f"{name}-{uuid.uuid4().hex}"
        lock = _claim(place)
    place.mkdir(exist_ok=True)
    return place, lock


def _claim(place: Path) -> FileLock | None:
    """Lock a folder; None where another import has it. A process that ends lets go."""
    lock = FileLock(place.with_name(_LOCK_PREFIX + place.name), 0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock


def _forget(workspace: Path, source: Path, wanted: str) -> None:
    """Remove what nobody uses: cut short, old, or of a checkpoint that has changed since."""
    for place in workspace.glob(FOLDER_PREFIX + "*"):
        if place.name == wanted:
            continue
        lock = _claim(place)
        if lock is None:
            continue
        note = _note(place)
        if not note or note.get("source") == str(source) or _is_old(place):
            shutil.rmtree(place, ignore_errors=True)
        lock.release()


def _is_old(place: Path) -> bool:
    written_s = (place / _WHOLE / _NOTE_FILE).stat().st_mtime
    return written_s < time.time() - FORGOTTEN_AFTER_S
