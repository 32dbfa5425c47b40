"""Which phones a transaction is on, as the entry that opens it says it in each format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from app.core.assignment import Assignment
from app.core.chain import Chain, check_cover
from app.core.errors import BadInputError, LedgerError, reason_of
from app.ledger.entry import Fields, integer, records, text
from app.ledger.rules.state import State, TransactionStage
from workers.protocol.bounds import FieldError
from workers.protocol.chain import ChainName, Span

NAMED_CHAINS_FORMAT: Final = 2
"""From this format on spans name their chain, and an entry tells how long each is."""


def stages_fields(assignment: Assignment, shards: Sequence[str]) -> dict[str, Any]:
    """Return an assignment as an entry holds it, with the digest of what each stage runs."""
    return {
        "chains": [
            {"chain": chain.name.value, "blocks": chain.block_count} for chain in assignment.chains
        ],
        "stages": [
            {
                "serial": stage.serial,
                "chain": stage.span.chain.value,
                "first": stage.span.first,
                "end": stage.span.end,
                "shard": shard,
            }
            for stage, shard in zip(assignment.stages, shards, strict=True)
        ],
    }


def read_stages(state: State, fields: Fields) -> tuple[TransactionStage, ...]:
    """Return the stages of an entry. Raises `LedgerError` unless they make an assignment."""
    rows = records(fields, "stages")
    serials = [state.phone(text(row, "serial")).serial for row in rows]
    if not rows or len(set(serials)) != len(rows):
        raise LedgerError("transaction.stages_share_phone")
    if state.format < NAMED_CHAINS_FORMAT:
        return tuple(map(_old_stage, serials, rows))
    spans = [_span(row) for row in rows]
    _check_cover([_chain(row) for row in records(fields, "chains")], spans)
    return tuple(map(TransactionStage.of, serials, spans))


def _check_cover(chains: Sequence[Chain], spans: Sequence[Span]) -> None:
    try:
        check_cover(chains, spans)
    except BadInputError as error:
        raise LedgerError(error.fact) from None


def _old_stage(serial: str, row: Fields) -> TransactionStage:
    first, end = integer(row, "first_layer"), integer(row, "last_layer") + 1
    if end <= first:
        raise LedgerError("transaction.phone_without_layer", phone=serial)
    return TransactionStage(serial, None, first, end)


def _chain(row: Fields) -> Chain:
    return Chain(_chain_name(row), integer(row, "blocks"))


def _span(row: Fields) -> Span:
    try:
        return Span(_chain_name(row), integer(row, "first"), integer(row, "end"))
    except FieldError as error:
        raise LedgerError("transaction.wrong_span", reason=reason_of(error)) from None


def _chain_name(row: Fields) -> ChainName:
    name = text(row, "chain")
    if name not in list(ChainName):
        raise LedgerError("transaction.unknown_chain", chain=name)
    return ChainName(name)
