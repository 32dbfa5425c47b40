"""Names that were used once and may not be again, kept as digests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final, Self

from app.core.errors import LedgerError

DIGEST_BYTES: Final = 16
"""Of BLAKE2b: two names with one digest are not found by chance or by trying."""


class UsedNames:
    """A set of names; a draft adds to it without changing it."""

    def __init__(self, below: UsedNames | None = None) -> None:
        self._below = below
        self._digests: set[bytes] = set()
        self.since: list[bytes] = []
        """Digests added since somebody emptied this, oldest first."""

    def draft(self) -> Self:
        """Return names that begin as these."""
        return type(self)(self)

    def add(self, names: Iterable[str]) -> None:
        """Note names as used."""
        for name in names:
            digest = _digest(name)
            self._digests.add(digest)
            self.since.append(digest)

    def packed_since(self) -> bytes:
        """Return what was added since that was emptied; empties it."""
        packed, self.since = b"".join(self.since), []
        return packed

    def put_packed(self, content: bytes) -> None:
        """Take over names as `packed_since` gave them. Raises `LedgerError`."""
        if len(content) % DIGEST_BYTES:
            raise LedgerError("snapshot.unreadable")
        starts = range(0, len(content), DIGEST_BYTES)
        self._digests.update(content[start : start + DIGEST_BYTES] for start in starts)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._has(_digest(name))

    def __len__(self) -> int:
        return len(self._digests) + (len(self._below) if self._below is not None else 0)

    def _has(self, digest: bytes) -> bool:
        if digest in self._digests:
            return True
        return self._below is not None and self._below._has(digest)  # noqa: SLF001 - its own kind


def _digest(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=DIGEST_BYTES).digest()
