"""What an import that is not finished has written already, so that the next one goes on there."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from app.core.errors import BadInputError, HashMismatchError
from app.core.model import Blob
from app.models.configuration import Configuration
from app.models.families.interface import BlockPlan
from app.models.files import FORGOTTEN_AFTER_S, write_whole
from app.models.formats.model_folder import ModelFolder
from app.models.quantization.block_wise import Quantization
from app.models.sample_text import SampleText
from app.models.store import BlobStore
from app.models.stored_model import FORMAT_VERSION, blob_of, tensor_of
from app.models.tensors import StoredTensor

ROUNDING_VERSION = 2
"""Raised whenever a quantisation begins to mean something else: no block of the former is taken."""
_SUFFIX = ".json"

WrittenBlock = tuple[Blob, tuple[StoredTensor, ...]]


class ImportRecord:
    """One file for each checkpoint and quantisation, gone when the import is complete."""

    def __init__(self, path: Path, store: BlobStore) -> None:
        self._path = path
        self._store = store
        self._blocks: dict[str, WrittenBlock] = _read(path)

    @classmethod
    def open(
        cls,
        folder: Path,
        checkpoint: ModelFolder,
        quantization: Quantization,
        store: BlobStore,
        calibration: SampleText | None = None,
    ) -> ImportRecord:
        """Return the record of such an import. Files touched since are another checkpoint."""
        folder.mkdir(parents=True, exist_ok=True)
        _forget_old(folder)
        source = {
            "format": FORMAT_VERSION,
            "quantization": [quantization.value, ROUNDING_VERSION],
            "calibration": calibration.content if calibration else None,
            "configuration": checkpoint.configuration.values,
            "files": [_identity(path) for path in checkpoint.weight_files],
        }
        return cls(folder / (_key(json.dumps(source, sort_keys=True)) + _SUFFIX), store)

    def written(self, plan: BlockPlan) -> WrittenBlock | None:
        """Return a block written before by the same plan, if all its bytes are in the store."""
        block = self._blocks.get(_key(repr(plan)))
        if block is None:
            return None
        try:
            self._store.verify(block[0])
        except HashMismatchError:
            return None
        return block

    def add(self, plan: BlockPlan, block: WrittenBlock) -> None:
        """Note a block that is in the store."""
        self._blocks[_key(repr(plan))] = block
        write_whole(self._path, [json.dumps(_fields(self._blocks)).encode()])

    def finish(self) -> None:
        """Remove the record: the model's own file says all."""
        self._path.unlink(missing_ok=True)


def _identity(path: Path) -> tuple[str, int, int]:
    status = path.stat()
    return (str(path.resolve()), status.st_size, status.st_mtime_ns)


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _fields(blocks: Mapping[str, WrittenBlock]) -> dict[str, object]:
    return {
        key: {"blob": asdict(blob), "tensors": [asdict(tensor) for tensor in tensors]}
        for key, (blob, tensors) in blocks.items()
    }


def _read(path: Path) -> dict[str, WrittenBlock]:
    """Return what the file says; one that cannot be read only costs the time to start again."""
    if not path.exists():
        return {}
    try:
        values: Mapping[str, object] = Configuration.from_file(path).values
        return {key: _block(fields) for key, fields in values.items()}
    except (BadInputError, KeyError, TypeError, ValueError):
        return {}


def _block(fields: object) -> WrittenBlock:
    if not isinstance(fields, dict):
        raise TypeError(fields)
    tensors = tuple(tensor_of(tensor) for tensor in fields["tensors"])
    return blob_of(fields["blob"]), tensors


def _forget_old(folder: Path) -> None:
    oldest_s = time.time() - FORGOTTEN_AFTER_S
    for path in folder.glob("*" + _SUFFIX):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest_s:
                path.unlink()
