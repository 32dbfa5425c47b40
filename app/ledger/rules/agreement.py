"""What is agreed when a transaction is opened; its receipts must repeat it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from dataclasses import fields as fields_of
from typing import Any, Final

from app.core.errors import LedgerError
from app.ledger.entry import Entry, Fields, integer, octets, record, records, text
from app.ledger.rules.state import AgreedTerms, State
from workers.identity.digests import sampling_digest, sampling_fields
from workers.protocol.boundary import Boundary
from workers.protocol.commands import SignedTerms
from workers.protocol.sampling_rule import SamplingRule
from workers.protocol.span_shape import CacheType

AGREED_FORMAT: Final = 3
"""From this format on an opening says what receipts have to repeat."""


@dataclass(frozen=True)
class Agreement:
    """What the host decides before the first step of a transaction. Digests are hexadecimal."""

    request: str
    """Of the request's tokens, salted (`app.proof.records.request_text`)."""
    model: str
    """Of the model's manifest."""
    shards: tuple[str, ...]
    """What each stage runs (`workers.identity.digests.shard_digest`)."""
    sampling: SamplingRule
    alternatives: int
    boundary: Boundary
    cache: CacheType

    def to_fields(self) -> dict[str, Any]:
        """Return it as the opening entry holds it, without the shards, which stand with stages."""
        return {
            "request_digest": self.request,
            "model_digest": self.model,
            "sampling": {
                "digest": sampling_digest(self.sampling),
                **sampling_fields(self.sampling),
            },
            "alternatives": self.alternatives,
            "boundary": self.boundary.value,
            "cache": self.cache.value,
        }


def read_agreed(state: State, entry: Entry, fields: Fields) -> tuple[AgreedTerms, ...]:
    """Return what the receipt of each stage has to say; nothing in older formats.

    Raises `LedgerError` for an entry that does not say it.
    """
    if state.format < AGREED_FORMAT:
        return ()
    terms = SignedTerms(
        request=octets(fields, "request_digest", 32).hex(),
        model=octets(fields, "model_digest", 32).hex(),
        host_key=state.host_key.hex(),
        entry=entry.sequence,
        head=entry.entry_hash.hex(),
    )
    return tuple(
        AgreedTerms(
            terms=terms,
            shard=octets(row, "shard", 32).hex(),
            sampling=octets(record(fields, "sampling"), "digest", 32).hex(),
            alternatives=integer(fields, "alternatives"),
            boundary=text(fields, "boundary"),
            cache=text(fields, "cache"),
        )
        for row in records(fields, "stages")
    )


def check_agreed(agreed: AgreedTerms | None, signed: AgreedTerms | None) -> None:
    """Raise `LedgerError` naming the first thing that a receipt says otherwise than agreed."""
    if agreed == signed:
        return
    if agreed is None or signed is None:
        raise LedgerError("receipt.of_another_form")
    pairs = ((agreed.terms, signed.terms), (agreed, signed))
    raise LedgerError("receipt.other_terms", field=next(_differences(pairs)))


def _differences(pairs: Iterable[tuple[Any, Any]]) -> Iterator[str]:
    for mine, theirs in pairs:
        for each in fields_of(mine):
            if getattr(mine, each.name) != getattr(theirs, each.name):
                yield each.name
