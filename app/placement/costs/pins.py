"""Pins made by hand: checked once, then turned into which spans a phone may hold."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from app.core.errors import BadInputError
from app.core.identifiers import Serial
from app.placement.problem import PlacementProblem

PinnedSpans = dict[int, tuple[int, int]]
"""Device index -> first and last layer it must hold."""


def pinned_spans(problem: PlacementProblem) -> PinnedSpans:
    """Return what each pinned phone must hold; several pins on one phone join into one span.

    Raises BadInputError for an unknown phone, layers the model lacks, or pins that exclude each
    other.
    """
    index_of = {device.serial: index for index, device in enumerate(problem.devices)}
    spans: PinnedSpans = {}
    for pin in problem.pins:
        _check_range(pin.serial, pin.first_layer, pin.last_layer, problem.model.layer_count)
        if pin.serial not in index_of:
            raise BadInputError("pin.phone_unknown", phone=pin.serial)
        device = index_of[pin.serial]
        first, last = spans.get(device, (pin.first_layer, pin.last_layer))
        spans[device] = (min(first, pin.first_layer), max(last, pin.last_layer))
    _check_overlap(spans, tuple(device.serial for device in problem.devices))
    return spans


def allowed_spans(pins: PinnedSpans, devices: int, layers: int) -> npt.NDArray[np.bool_]:
    """Return `[devices, layers + 1, layers + 1]`: whether a phone may hold layers `a .. b - 1`."""
    starts, ends = np.arange(layers + 1)[:, None], np.arange(layers + 1)[None, :]
    allowed = np.repeat((starts < ends)[None], devices, axis=0)
    for pinned, (first, last) in pins.items():
        allowed[pinned] &= (starts <= first) & (last < ends)
        others = np.arange(devices) != pinned
        allowed[others] &= (ends <= first) | (starts > last)
    return allowed


def _check_range(serial: Serial, first: int, last: int, layers: int) -> None:
    if not 0 <= first <= last < layers:
        raise BadInputError(
            "pin.layers_beyond", phone=serial, first=first, last=last, last_of_model=layers - 1
        )


def _check_overlap(spans: PinnedSpans, serials: tuple[Serial, ...]) -> None:
    ordered = sorted(spans.items(), key=lambda item: item[1])
    for (one, (_, last)), (other, (first, _)) in pairwise(ordered):
        if first <= last:
            raise BadInputError(
                "pin.layer_twice", layer=first, one=serials[one], other=serials[other]
            )
