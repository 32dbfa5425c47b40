"""Pins made by hand: checked once, then turned into which spans a phone may hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from app.core.chain import Chain
from app.core.errors import BadInputError
from app.core.identifiers import Serial
from app.placement.problem import Pin, PlacementProblem
from workers.protocol.chain import Span

PinnedSpans = dict[int, Span]
"""Device index -> what it must hold."""


def pinned_spans(problem: PlacementProblem) -> PinnedSpans:
    """Return what each pinned phone must hold; several pins on one phone join into one span.

    Layers are numbered through all chains.

    Raises BadInputError for an unknown phone, a chain or layers the model lacks, or pins that
    exclude each other.
    """
    index_of = {device.serial: index for index, device in enumerate(problem.devices)}
    spans: PinnedSpans = {}
    for pin in problem.pins:
        _check_has(problem.model.chains, pin)
        if pin.serial not in index_of:
            raise BadInputError("pin.phone_unknown", phone=pin.serial)
        device = index_of[pin.serial]
        layers = problem.model.numbered(pin.span)
        span = replace(pin.span, first=layers.start, end=layers.stop)
        spans[device] = _joined(spans.get(device, span), span)
    _check_overlap(spans, tuple(device.serial for device in problem.devices))
    return spans


def allowed_spans(pins: PinnedSpans, devices: int, layers: int) -> npt.NDArray[np.bool_]:
    """Return `[devices, layers + 1, layers + 1]`: whether a phone may hold layers `a .. b - 1`."""
    starts, ends = np.arange(layers + 1)[:, None], np.arange(layers + 1)[None, :]
    allowed = np.repeat((starts < ends)[None], devices, axis=0)
    for pinned, span in pins.items():
        allowed[pinned] &= (starts <= span.first) & (span.end <= ends)
        others = np.arange(devices) != pinned
        allowed[others] &= (ends <= span.first) | (starts >= span.end)
    return allowed


def _joined(one: Span, other: Span) -> Span:
    """Return the span from the first block of both to the last."""
    return Span(one.chain, min(one.first, other.first), max(one.end, other.end))


def _check_has(chains: Sequence[Chain], pin: Pin) -> None:
    lengths = {chain.name: chain.block_count for chain in chains}
    count, span = lengths.get(pin.span.chain), pin.span
    if count is None:
        raise BadInputError("pin.other_chain", phone=pin.serial, asked=span.chain)
    if span.end > count:
        raise BadInputError(
            "pin.layers_beyond",
            phone=pin.serial,
            first=span.first,
            last=span.last,
            last_of_model=count - 1,
        )


def _check_overlap(spans: PinnedSpans, serials: tuple[Serial, ...]) -> None:
    ordered = sorted(spans.items(), key=lambda item: (item[1].first, item[1].end))
    for (one, before), (other, after) in pairwise(ordered):
        if after.first < before.end:
            raise BadInputError(
                "pin.layer_twice", layer=after.first, one=serials[one], other=serials[other]
            )
