"""Audit secrets: committed to when an epoch opens, revealed when it closes.

Whoever knows the secret can tell which receipts had to be audited, so after the reveal anybody
can tell whether an audit was skipped; before it, no phone can.
"""

from __future__ import annotations

import hashlib
from typing import Final

COMMITMENT_TAG: Final = b"poip/v1/epoch-commitment\0"


def commitment_of(secret: bytes) -> bytes:
    """Return the 32 bytes that stand for a 32-byte secret in the journal."""
    return hashlib.sha256(COMMITMENT_TAG + secret).digest()
