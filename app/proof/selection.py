"""Which receipts are audited: decided by a secret, after the phone committed to its output."""

from __future__ import annotations

import hmac
from typing import Final

from app.core.errors import BadInputError

AUDIT_TAG: Final = b"poip/v1/audit\0"
_DRAW_BYTES: Final = 8


def audit_is_due(
    secret: bytes, transaction: str, stage: int, output_root: str, rate: float
) -> bool:
    """Say whether a receipt is audited: HMAC-SHA256(secret, receipt) as a fraction < rate.

    `secret` is the epoch's, 32 bytes; `output_root` is hexadecimal. Nobody without the secret can
    tell beforehand; anybody with it can tell afterwards. Raises `BadInputError` for a rate that
    is not 0 to 1.
    """
    if not 0 <= rate <= 1:
        raise BadInputError("audit.rate", rate=rate)
    name = transaction.encode()
    message = len(name).to_bytes(4, "big") + name + stage.to_bytes(4, "big")
    digest = hmac.digest(secret, AUDIT_TAG + message + bytes.fromhex(output_root), "sha256")
    draw = int.from_bytes(digest[:_DRAW_BYTES], "big")
    return draw < round(rate * (1 << (8 * _DRAW_BYTES)))
