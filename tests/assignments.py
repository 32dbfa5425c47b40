"""Assignments of a model whose one chain is a decoder, as most tests have them."""

from __future__ import annotations

from app.core.assignment import Assignment, StageAssignment
from app.core.chain import Chain
from app.core.identifiers import Serial
from app.core.model import ModelManifest
from app.placement.problem import Pin
from workers.protocol.chain import ChainName, Span


def held(serial: Serial, first_layer: int, last_layer: int) -> StageAssignment:
    """Return a phone's span, both layers included."""
    return StageAssignment(serial, Span(ChainName.DECODER, first_layer, last_layer + 1))


def pinned(serial: Serial, first_layer: int, last_layer: int) -> Pin:
    """Return a pin, both layers included."""
    return Pin(serial, held(serial, first_layer, last_layer).span)


def blocks(model: ModelManifest, first_layer: int, last_layer: int) -> Span:
    """Return a span of the model's one chain, whichever that is, both layers included."""
    (chain,) = model.chains
    return Span(chain.name, first_layer, last_layer + 1)


def placed(model: str, layer_count: int, stages: tuple[StageAssignment, ...]) -> Assignment:
    """Return the assignment of so many layers."""
    return Assignment(model, (Chain(ChainName.DECODER, layer_count),), stages)
