"""The phone's store: files named by their SHA-256, checked again before every use."""

from __future__ import annotations

import hashlib
from pathlib import Path

from workers.errors import StoreError
from workers.protocol.bounds import DIGEST_FORM, is_digest


def verified_path(store: Path, digest: str, size_bytes: int | None = None) -> Path:
    """Return the file of that name once its content was found to match.

    Raises `StoreError` naming the file where it is missing, of another size or altered.
    """
    if not is_digest(digest):
        raise StoreError("file.odd_name")
    path = store / digest
    if not path.is_file():
        raise StoreError("file.missing", file=digest)
    if size_bytes is not None and path.stat().st_size != size_bytes:
        found = path.stat().st_size
        raise StoreError("file.of_another_size", file=digest, found=found, wanted=size_bytes)
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != digest:
            raise StoreError("file.damaged", file=digest)
    return path


def referenced_files(graph_path: Path) -> frozenset[str]:
    """Return the names of the weight files a graph refers to.

    External data locations are the only 64-digit hexadecimal texts in our graphs.
    """
    return frozenset(name.decode() for name in DIGEST_FORM.findall(graph_path.read_bytes()))
