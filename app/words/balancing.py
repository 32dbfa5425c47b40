"""Layers that move by themselves: whether they do, why they did, and what it brought."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from app.core.balancing import Balancing
from app.core.identifiers import Serial
from app.core.units import format_duration, format_rate
from app.placement.rebalancing.readings import Cause, CauseKind
from app.rack.snapshot import BalancingSnapshot, LayerMove
from app.words.catalogue import tr
from app.words.requests import together
from app.words.states import listed


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


def cause_text(cause: Cause, name: str) -> str:
    """Return what was found of a phone, as a clause."""
    match cause.kind:
        case CauseKind.SLOWER:
            words = tr("{phone} takes {figure:.1f} times as long as its profile says")
        case CauseKind.FASTER:
            words = tr("{phone} is quicker again: {figure:.1f} times what its profile says")
        case CauseKind.RESTED:
            words = tr("{phone} may be itself again after a rest")
        case CauseKind.HOT:
            words = tr("{phone} is hot, {figure:.0f} °C")
        case CauseKind.COOLED:
            words = tr("{phone} has cooled down")
        case CauseKind.LOW:
            words = tr("{phone}'s battery is low, {figure:.0f} %")
        case CauseKind.CHARGED:
            words = tr("{phone} has power again")
        case CauseKind.JOINED:
            words = tr("{phone} has come")
        case _:
            assert_never(cause.kind)
    return words.format(phone=name, figure=cause.figure)


def move_text(move: LayerMove, names: Mapping[Serial, str]) -> str:
    """Return why layers moved and what came of it, as far as it is known."""
    why = listed(cause_text(each, names.get(each.serial, each.serial)) for each in move.causes)
    moved = tr("Layers moved: {why}.").format(why=why)
    if move.rate_before is None or move.rate_after is None:
        return moved
    before, after = format_rate(move.rate_before), format_rate(move.rate_after)
    brought = tr("{before} before, {after} since.").format(before=before, after=after)
    if move.stall_s is None:
        return together(moved, brought)
    stalled = tr("Texts waited {time}.").format(time=format_duration(move.stall_s))
    return together(together(moved, brought), stalled)


def proposal_text(move: LayerMove, names: Mapping[Serial, str]) -> str:
    """Return why layers are to move and what is promised."""
    why = listed(cause_text(each, names.get(each.serial, each.serial)) for each in move.causes)
    if move.promised_gain <= 0:
        return tr("Layers are to move: {why}. Apply it?").format(why=why)
    gain = f"{move.promised_gain:.0%}"
    words = tr("Layers are to move: {why}. That would bring {gain} more. Apply it?")
    return words.format(why=why, gain=gain)


def balancing_line(balancing: BalancingSnapshot, names: Mapping[Serial, str]) -> str:
    """Return what is proposed, else what moved last; empty where nothing ever did."""
    if balancing.proposal is not None:
        return proposal_text(balancing.proposal, names)
    return move_text(balancing.moves[-1], names) if balancing.moves else ""
