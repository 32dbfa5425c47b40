"""Measured links in arrays that grow: 200 phones may have 40,000, and plans want all at once.

To gather so many objects for each plan held the service loop for tens of milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.core.device import LinkProfile
from app.core.identifiers import Serial
from app.placement.costs.links import LinkMatrix, Matrix


class LinkArrays:
    """Latency and rate of each ordered pair, NaN where nobody measured. Lives on the loop."""

    def __init__(self) -> None:
        self._at: dict[Serial, int] = {}
        self._figures: Matrix = np.full((2, 0, 0), np.nan)

    def put(self, sender: Serial, receiver: Serial, profile: LinkProfile) -> None:
        """Keep a measurement in place of the one before."""
        there = self._place(sender), self._place(receiver)
        self._figures[:, *there] = profile.latency_s, profile.bytes_per_second

    def forget(self, serial: Serial) -> None:
        """Drop what was measured of a phone."""
        at = self._at.get(serial)
        if at is not None:
            self._figures[:, at, :] = self._figures[:, :, at] = np.nan

    def matrix(self, ends: Sequence[Serial]) -> LinkMatrix:
        """Return what is known between these ends, of its own from now on."""
        known = LinkMatrix(tuple(self._at), *self._figures[:, : len(self._at), : len(self._at)])
        return LinkMatrix(ends, *known.among(ends))

    def _place(self, serial: Serial) -> int:
        at = self._at.setdefault(serial, len(self._at))
        if at >= self._figures.shape[1]:
            more = max(at + 1, 2 * self._figures.shape[1]) - self._figures.shape[1]
            self._figures = np.pad(
                self._figures, ((0, 0), (0, more), (0, more)), constant_values=np.nan
            )
        return at
