"""The right edge of a growing RFC 6962 tree: append and root in logarithmic time."""

from __future__ import annotations

from collections.abc import Sequence

from app.ledger.merkle import node_hash, root_hash


class Frontier:
    """Roots of the perfect subtrees that make up a tree, largest first."""

    def __init__(self) -> None:
        self._peaks: list[bytes] = []
        self.size = 0

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash (32 bytes)."""
        self._peaks.append(leaf)
        complete = ~self.size & (self.size + 1)
        while complete > 1:
            right, left = self._peaks.pop(), self._peaks.pop()
            self._peaks.append(node_hash(left, right))
            complete >>= 1
        self.size += 1

    def copy(self) -> Frontier:
        """Return an independent copy."""
        twin = Frontier()
        twin._peaks, twin.size = list(self._peaks), self.size
        return twin

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """The roots of the perfect subtrees, largest first."""
        return tuple(self._peaks)

    @classmethod
    def of(cls, size: int, peaks: Sequence[bytes]) -> Frontier:
        """Return a tree of that many leaves. Raises `ValueError` for another number of peaks."""
        if len(peaks) != size.bit_count():
            raise ValueError(size)
        made = cls()
        made._peaks, made.size = list(peaks), size
        return made

    def root(self) -> bytes:
        """Return the root hash (32 bytes); of no leaves, SHA-256 of nothing."""
        if not self._peaks:
            return root_hash([])
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root
