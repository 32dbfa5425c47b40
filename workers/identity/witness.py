"""What a phone remembers of ledgers: the newest head of each, signed only if nothing was undone.

It holds the host to one history: a ledger that was put back to an earlier state, begun anew under
the same key or told differently to another phone does not get this phone's signature.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from workers.errors import IdentityError, ReceiptError
from workers.identity.checkpoint import LogCheckpoint, cosigned
from workers.identity.merkle import verify_consistency
from workers.whole_file import replace_file

MAXIMUM_LEDGERS: Final = 64
"""Of so many ledgers heads are kept: a host that invents more is refused."""
_SUFFIX: Final = ".head"


class Witness:
    """Keeps heads in a folder, one file a ledger, each on disk before it is signed."""

    def __init__(self, folder: Path, key: Ed25519PrivateKey, now_s: Callable[[], float]) -> None:
        """Sign with the phone's `key`; `now_s` are seconds since 1970 as the phone has them."""
        self._folder = folder
        self._key = key
        self._now_s = now_s

    def held(self, log_key: bytes) -> str:
        """Return the newest note seen of the ledger with that key (32 bytes), else nothing.

        Raises `IdentityError` where the file cannot be read.
        """
        path = self._path(log_key)
        try:
            return path.read_text("utf-8") if path.is_file() else ""
        except (OSError, ValueError):
            raise IdentityError("head.damaged") from None

    def cosign(self, note: str, proof: Sequence[bytes]) -> str:
        """Return a cosignature for a head that follows the one held, empty where it does not.

        `proof` is RFC 6962's between both sizes. Raises `ReceiptError` for a note that its ledger
        did not sign, `IdentityError` where it cannot be kept.
        """
        checkpoint = LogCheckpoint.read(note)
        held = self.held(checkpoint.log_key)
        if held and not _follows(LogCheckpoint.read(held), checkpoint, proof):
            return ""
        self._keep(checkpoint, note)
        return cosigned(checkpoint, self._key, int(self._now_s()))

    def _keep(self, checkpoint: LogCheckpoint, note: str) -> None:
        path = self._path(checkpoint.log_key)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists() and len(list(self._folder.glob(f"*{_SUFFIX}"))) >= MAXIMUM_LEDGERS:
            raise IdentityError("head.too_many", limit=MAXIMUM_LEDGERS)
        replace_file(path, note.encode())

    def _path(self, log_key: bytes) -> Path:
        return self._folder / f"{log_key.hex()}{_SUFFIX}"


def _follows(held: LogCheckpoint, newer: LogCheckpoint, proof: Sequence[bytes]) -> bool:
    try:
        return verify_consistency(held.size, newer.size, proof, held.root, newer.root)
    except ReceiptError:
        return False
