"""Content-addressed files: each is named by the SHA-256 of what it holds and never changes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from app.core.errors import BadInputError, HashMismatchError
from app.core.identifiers import BlobHash, is_sha256
from app.core.model import Blob
from app.models.files import PARTIAL_PREFIX, partial_file
from workers.identity.weight_tree import WeightFile, weight_root

HASH_DIGITS = 64
ABANDONED_AFTER_S = 3600.0


class BlobStore:
    """One flat folder of blobs, so that a graph can name weight files that lie beside it.

    Several threads and processes may use one folder: a file appears whole, in one rename.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def discard_abandoned(self) -> None:
        """Remove what writers that died left behind; one still at work is recognised by its age."""
        oldest_s = time.time() - ABANDONED_AFTER_S
        for path in self.folder.glob(PARTIAL_PREFIX + "*"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest_s:
                    path.unlink()

    def path(self, sha256: BlobHash) -> Path:
        """Return where a blob lies or would lie. Raises `BadInputError` for anything but a hash."""
        if not is_sha256(sha256):
            raise BadInputError("blob.not_a_hash", text=sha256)
        return self.folder / sha256

    def has(self, blob: Blob) -> bool:
        """Return whether the blob is here in full length; `verify` also reads it."""
        try:
            return self.path(blob.sha256).stat().st_size == blob.size_bytes
        except FileNotFoundError:
            return False

    def put(self, chunks: Iterable[bytes | memoryview]) -> Blob:
        """Write a blob; a blob already here is replaced, which also heals a damaged one.

        Where the chunks or the disk fail, nothing is left behind.
        """
        digest, size_bytes = hashlib.sha256(), 0
        with partial_file(self.folder) as partial:
            for chunk in chunks:
                digest.update(chunk)
                size_bytes += len(chunk)
                partial.content.write(chunk)
            blob = Blob(BlobHash(digest.hexdigest()), size_bytes)
            partial.move_to(self.path(blob.sha256))
        return blob

    def put_bytes(self, content: bytes) -> Blob:
        """Write a small blob; nothing is written where the same bytes are already here."""
        blob = Blob(BlobHash(hashlib.sha256(content).hexdigest()), len(content))
        if self.has(blob) and self.path(blob.sha256).read_bytes() == content:
            return blob
        return self.put([content])

    def weight_file(self, blob: Blob) -> WeightFile:
        """Return a weight file that is here with the root over its bytes; it reads all of them."""
        return WeightFile(blob.sha256, blob.size_bytes, weight_root(self.path(blob.sha256)))

    def remove(self, blob: Blob) -> int:
        """Remove a blob that nothing names any more; return how many bytes that freed."""
        path = self.path(blob.sha256)
        freed = path.stat().st_size if path.exists() else 0
        path.unlink(missing_ok=True)
        return freed

    def verify(self, blob: Blob) -> None:
        """Read the whole blob. Raises `HashMismatchError` where it is not what its name says."""
        if not self.has(blob):
            raise HashMismatchError("weights.missing_blob", blob=blob.sha256[:12])
        with self.path(blob.sha256).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != blob.sha256:
            raise HashMismatchError("weights.damaged_blob", blob=blob.sha256[:12])
