"""What one token pays on a ring: hops from phone to phone, and the way back from last to first.

Where the ring is closed the last phone feeds the first itself, and at most one token in
`RUN_TOKENS` comes by the host as every token does elsewhere. The host is told of each token in
either case, which costs airtime and energy but no time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from app.core.assignment import RUN_TOKENS
from app.core.model import ModelTask
from app.placement.costs.links import (
    HEADER_BYTES,
    TOKEN_BYTES,
    closing_rings,
    link_matrices,
)
from app.placement.problem import PlacementProblem

SEND_JOULES_PER_BYTE = 2.27e-6
"""Wi-Fi radio, sending: 283.17 mW per Mbit/s (Huang et al., MobiSys 2012, table 4)."""

RECEIVE_JOULES_PER_BYTE = 1.10e-6
"""Wi-Fi radio, receiving: 137.01 mW per Mbit/s (same source)."""

_BY_RING = 1 - 1 / RUN_TOKENS
_MESSAGE_BYTES = HEADER_BYTES + TOKEN_BYTES
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RingCost:
    """A cost of hops: `between` is `[sender, receiver]`, `back` is `[last, first]`."""

    between: Matrix
    back: Matrix

    def of(self, order: Sequence[int]) -> float:
        """Return what one token pays for the hops of a ring."""
        hops = sum(float(self.between[hop]) for hop in pairwise(order))
        return hops + float(self.back[order[-1], order[0]])


class Rings:
    """Costs of every hop of a problem's phones, in seconds and joules, and which rings close."""

    def __init__(self, problem: PlacementProblem) -> None:
        serials = tuple(device.serial for device in problem.devices)
        latency_s, byte_s = link_matrices(problem.links, serials)
        self._state_bytes = HEADER_BYTES + problem.boundary_bytes_per_token
        writes = problem.model.task is ModelTask.GENERATION
        self.closes = closing_rings(problem.links, serials) & writes
        """`[last, first]`: whether the last phone of such a ring feeds the first itself."""
        self.time_s = self._time(latency_s, byte_s)
        self.airtime_s = self._airtime(byte_s)
        self.joules = self._energy(len(serials))
        nothing = np.zeros((len(serials), len(serials)))
        self.free = RingCost(nothing, nothing)
        """Of what hops cost nothing."""

    def _time(self, latency_s: Matrix, byte_s: Matrix) -> RingCost:
        token_s = latency_s + byte_s * _MESSAGE_BYTES
        by_host_s = token_s[:-1, -1:] + token_s[-1:, :-1]
        closed_s = _BY_RING * token_s[:-1, :-1] + (1 - _BY_RING) * by_host_s
        between_s = (latency_s + byte_s * self._state_bytes)[:-1, :-1]
        return RingCost(between_s, np.where(self.closes, closed_s, by_host_s))

    def _airtime(self, byte_s: Matrix) -> RingCost:
        """Return the part of each hop that occupies the medium: bytes over bandwidth."""
        token_s = byte_s * _MESSAGE_BYTES
        told_s, begun_s = token_s[:-1, -1:], token_s[-1:, :-1]
        closed_s = _BY_RING * token_s[:-1, :-1] + (1 - _BY_RING) * begun_s
        back_s = told_s + np.where(self.closes, closed_s, begun_s)
        return RingCost((byte_s * self._state_bytes)[:-1, :-1], back_s)

    def _energy(self, count: int) -> RingCost:
        """Return the radio's energy on the phones at a hop's ends; the host runs on mains."""
        apart = 1.0 - np.eye(count)
        told, begun = (
            _MESSAGE_BYTES * SEND_JOULES_PER_BYTE,
            _MESSAGE_BYTES * RECEIVE_JOULES_PER_BYTE,
        )
        closed = _BY_RING * apart * (told + begun) + (1 - _BY_RING) * begun
        between = self._state_bytes * (SEND_JOULES_PER_BYTE + RECEIVE_JOULES_PER_BYTE) * apart
        return RingCost(between, told + np.where(self.closes, closed, begun))
