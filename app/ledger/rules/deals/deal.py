"""What a transaction is worth, and who gets it: fixed as it opens, held until it is released.

From the fifth format on the most that a transaction may cost is put in escrow by the entry that
opens it. Nothing of it comes from anywhere else afterwards, and all of it goes somewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

DEAL_FORMAT: Final = 5
"""From this format on a transaction is paid from escrow, move by move."""


@dataclass(frozen=True)
class Payment:
    """What a stage's phone gets and what the treasury gets of it, in micro-credits."""

    serial: str
    amount: int
    fee: int
    kept: int = 0
    """What the treasury keeps besides, of a phone that owes for refusals."""

    @property
    def whole(self) -> int:
        """All that is paid for the stage."""
        return self.amount + self.fee + self.kept

    def to_fields(self) -> dict[str, Any]:
        """Return it as an entry holds it."""
        fields = {"serial": self.serial, "amount": str(self.amount), "fee": str(self.fee)}
        return {**fields, "kept": str(self.kept)} if self.kept else fields


@dataclass(frozen=True)
class Deal:
    """The money side of a transaction; amounts in micro-credits, moments in ms since 1970 UTC."""

    held: int
    """What is in escrow for it now."""
    commit_by_ms: int
    """Whoever has not committed by then is void."""
    fee_per_mille: int
    """The treasury's share, as it was when the transaction opened."""
    window_s: int
    """So long after its settlement evidence against it takes back what it pays."""
    prices: tuple[int, ...] = ()
    """By stage, what a layer costs a token; empty where layers are paid alike."""
    committed_tokens: int | None = None
    """For so many its phones signed; none where it is not committed."""
    release_from_ms: int | None = None
    """The end of the evidence window, once it is settled."""
    payments: tuple[Payment, ...] = ()
    """What waits to be released."""
