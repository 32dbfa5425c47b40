"""Layers that move by themselves: whether they do, why they did, and what it brought."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from app.core.balancing import Balancing
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.rack.snapshot import BalancingSnapshot, LayerMove
from app.words.catalogue import tr
from app.words.sentences import fact_text


def balancing_word(mode: Balancing) -> str:
    """Return what a setting does."""
    match mode:
        case Balancing.OFF:
            return tr("layers stay")
        case Balancing.ASK:
            return tr("ask to move layers")
        case Balancing.ON:
            return tr("layers move by themselves")
        case _:
            assert_never(mode)


def move_fact(move: LayerMove, names: Mapping[Serial, str]) -> Fact:
    """Return why layers moved, or what came of it once that is known."""
    if move.rate_before is None or move.rate_after is None or move.stall_s is None:
        return Fact("balance.moves", causes=_causes(move, names))
    return Fact(
        "balance.brought", before=move.rate_before, after=move.rate_after, stall=move.stall_s
    )


def proposal_fact(move: LayerMove, names: Mapping[Serial, str]) -> Fact:
    """Return why layers are to move and what is promised."""
    causes = _causes(move, names)
    if move.promised_gain <= 0:
        return Fact("balance.spares", causes=causes)
    return Fact("balance.proposed", causes=causes, gain=move.promised_gain)


def balancing_line(balancing: BalancingSnapshot, names: Mapping[Serial, str]) -> str:
    """Return what is proposed, else what moved last; empty where nothing ever did."""
    if balancing.proposal is not None:
        return fact_text(proposal_fact(balancing.proposal, names))
    return fact_text(move_fact(balancing.moves[-1], names)) if balancing.moves else ""


def _causes(move: LayerMove, names: Mapping[Serial, str]) -> tuple[Fact, ...]:
    return tuple(cause.fact(names.get(cause.serial, cause.serial)) for cause in move.causes)
