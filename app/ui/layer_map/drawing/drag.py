"""What a drag means at each point: the assignment it would make. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from app.core.assignment import Assignment
from app.core.errors import BadInputError
from app.core.identifiers import Serial
from app.ui.layer_map.drawing.geometry import MapGeometry

SLACK_PX = 14.0
"""How far from the bars a drop still counts as on them."""


class DropKind(StrEnum):
    """What a drop does to the carried phone."""

    NOTHING = "nothing"
    REFUSED = "refused"
    SWAP = "swap"
    REPLACE = "replace"
    SHARE = "share"
    FREE = "free"


@dataclass(frozen=True)
class Drop:
    """What a drop does, and the phone at the other end of it, if any."""

    kind: DropKind
    serial: Serial | None = None


class Drag(Protocol):
    """A drag in progress; the geometry is the one at its start."""

    def assignment_at(self, x: float, y: float) -> Assignment:
        """Return what a drop at that point would request; the original where it means nothing."""
        ...


@dataclass(frozen=True)
class Lane:
    """The bars' vertical extent and the free phones' boxes (left, top, right, bottom)."""

    top: float
    bottom: float
    free: Mapping[Serial, tuple[float, float, float, float]]
    unusable: frozenset[Serial] = frozenset()
    """Phones, with layers or without, that cannot work now."""

    def holds(self, y: float) -> bool:
        """Whether a point is on the bars, or nearly."""
        return self.top - SLACK_PX <= y <= self.bottom + SLACK_PX

    def free_at(self, x: float, y: float) -> Serial | None:
        """Return the free phone under a point."""
        for serial, (left, top, right, bottom) in self.free.items():
            if left <= x <= right and top <= y <= bottom:
                return serial
        return None


@dataclass(frozen=True)
class SeamDrag:
    """The seam after stage `seam` follows the pointer, cell by cell."""

    original: Assignment
    geometry: MapGeometry
    seam: int

    def assignment_at(self, x: float, y: float) -> Assignment:  # noqa: ARG002 - seams move sideways
        """Return the original with the seam at the nearest cell edge."""
        after = self.original.stages[self.seam + 1].span
        before = self.original.numbered(after).start - after.first
        return self.original.with_seam(self.seam, self.geometry.nearest_edge(x) - before)


@dataclass(frozen=True)
class BarDrag:
    """A phone's bar is carried: onto another phone they swap, outside it frees its phone."""

    original: Assignment
    geometry: MapGeometry
    lane: Lane
    serial: Serial

    def drop_at(self, x: float, y: float) -> Drop:
        """Return what letting go at that point does."""
        free = self.lane.free_at(x, y)
        if free is not None:
            usable = free not in self.lane.unusable
            return Drop(DropKind.REPLACE if usable else DropKind.REFUSED, free)
        if self.lane.holds(y) and self.geometry.left <= x <= self.geometry.right:
            other = _serial_at(self.original, self.geometry, x)
            if other == self.serial:
                return Drop(DropKind.NOTHING, other)
            refused = other in self.lane.unusable
            return Drop(DropKind.REFUSED if refused else DropKind.SWAP, other)
        alone = len(self.original.stages) == 1
        return Drop(DropKind.NOTHING if alone else DropKind.FREE)

    def assignment_at(self, x: float, y: float) -> Assignment:
        """Return the original with the carried phone swapped, replaced or freed."""
        drop = self.drop_at(x, y)
        serials = self.original.serials
        if drop.kind is DropKind.FREE:
            return self.original.without(self.serial)
        if drop.kind is DropKind.REPLACE and drop.serial is not None:
            return self.original.with_phone(serials.index(self.serial), drop.serial)
        if drop.kind is DropKind.SWAP and drop.serial is not None:
            return self.original.with_phone(serials.index(drop.serial), self.serial)
        return self.original


@dataclass(frozen=True)
class FreePhoneDrag:
    """A free phone is carried: over a bar it takes half of it.

    It takes all where that is one layer, or the bar's phone cannot work now.
    """

    original: Assignment
    geometry: MapGeometry
    lane: Lane
    serial: Serial

    def drop_at(self, x: float, y: float) -> Drop:
        """Return what letting go at that point does."""
        if not self.lane.holds(y):
            return Drop(DropKind.NOTHING)
        other = _serial_at(self.original, self.geometry, x)
        stage = self.original.stage_of(other)
        alone = stage is not None and stage.layer_count == 1
        whole = alone or other in self.lane.unusable
        return Drop(DropKind.REPLACE if whole else DropKind.SHARE, other)

    def assignment_at(self, x: float, y: float) -> Assignment:
        """Return the original with the free phone given layers."""
        drop, layer = self.drop_at(x, y), self.geometry.layer_at(x)
        if drop.kind is DropKind.REPLACE:
            return self.original.with_phone(stage_index(self.original, layer), self.serial)
        if drop.kind is DropKind.SHARE:
            return give_layers(self.original, self.serial, layer)
        return self.original


def give_layers(assignment: Assignment, serial: Serial, layer: int) -> Assignment:
    """Return the assignment with a free phone sharing the span at `layer`, or taking it over."""
    position = stage_index(assignment, layer)
    try:
        return assignment.with_inserted(serial, position)
    except BadInputError:  # a single layer cannot be shared
        return assignment.with_phone(position, serial)


def stage_index(assignment: Assignment, layer: int) -> int:
    """Return the index of the stage that holds a layer, counted through all chains."""
    ends = (assignment.numbered(stage.span).stop for stage in assignment.stages)
    return next(index for index, end in enumerate(ends) if layer < end)


def _serial_at(assignment: Assignment, geometry: MapGeometry, x: float) -> Serial:
    return assignment.stages[stage_index(assignment, geometry.layer_at(x))].serial
