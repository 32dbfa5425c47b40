"""Weights put where layers may move to, while nobody waits for anything."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from threading import Event
from typing import Final

from app.core.errors import ShardloomError
from app.core.identifiers import Serial
from app.core.model import Blob
from app.placement.costs.footprint import footprint_of
from app.placement.problem import PlacementProblem
from app.placement.rebalancing.overlap import overlapping_layers
from app.placement.rebalancing.setting import Balancing
from app.rack.context import RackContext
from app.rack.layers.assigner import Assigner
from app.rack.layers.rebalancer import Rebalancer
from app.rack.layers.spans import Applied
from app.rack.phones.fleet import Fleet
from app.rack.phones.phone import Phone

LOOK_INTERVAL_S: Final = 2.0
IDLE_LOOKS: Final = 3
"""So many looks in a row have found nobody at work before anything is pushed."""
MOST_SPARE_PHONES: Final = 2
"""Of the phones that hold no layers so many get some, the quickest first."""
_IDLE_LOOK_S: Final = 0.1
_log = logging.getLogger("shardloom.rack")


class Preloader:
    """Pushes what overlaps, one file at a time, and stops for whoever asks something.

    Lives on the service loop. A file that was cut goes on where it ended.
    """

    def __init__(
        self,
        context: RackContext,
        fleet: Fleet,
        assigner: Assigner,
        rebalancer: Rebalancer,
        idle: Callable[[], bool],
    ) -> None:
        """`idle` tells whether nobody is at work."""
        self._nursery = context.nursery
        self._fleet = fleet
        self._assigner = assigner
        self._rebalancer = rebalancer
        self._idle = idle
        self._idle_looks = 0
        self._seen: tuple[Applied | None, frozenset[Serial]] = (None, frozenset())
        self._complete = False
        self._refused: set[Serial] = set()
        """Phones that could not take a file since layers moved or phones came."""

    async def look(self) -> None:
        """Push what phones lack of the layers beside their own, where nobody is kept waiting."""
        applied = self._assigner.applied
        seen = (applied, frozenset(phone.serial for phone in self._fleet.usable))
        if seen != self._seen:
            self._seen, self._refused, self._complete = seen, set(), False
        idle = applied is not None and not self._assigner.moving and self._wanted()
        self._idle_looks = self._idle_looks + 1 if idle else 0
        if applied is None or self._complete or self._idle_looks < IDLE_LOOKS:
            return
        lacking = self._lacking(applied)
        self._complete = not lacking
        await self._push(lacking)

    def _wanted(self) -> bool:
        """Tell whether layers may move by themselves, and nobody is at work now."""
        return self._idle() and self._rebalancer.mode is Balancing.ON

    async def _push(self, lacking: dict[Serial, list[Blob]]) -> None:
        stop = Event()
        pushes = {
            self._nursery.start(self._push_to(self._fleet.phones[serial], blobs, stop), "preload")
            for serial, blobs in lacking.items()
        }
        try:
            while pushes:
                _, pushes = await asyncio.wait(pushes, timeout=_IDLE_LOOK_S)
                if not self._wanted() or self._assigner.moving:
                    stop.set()
        finally:
            stop.set()

    async def _push_to(self, phone: Phone, blobs: Sequence[Blob], stop: Event) -> None:
        try:
            for blob in blobs:
                if stop.is_set():
                    return
                await self._assigner.loader.store(phone, [blob], stop)
        except ShardloomError as error:
            if not stop.is_set():
                _log.info("%s keeps no layers beside its own: %s", phone.serial, error)
                self._refused.add(phone.serial)

    def _lacking(self, applied: Applied) -> dict[Serial, list[Blob]]:
        """Return the files that each phone lacks of what it is to keep, in the order to push.

        Of a model of two chains none: phones beside each other may hold layers of both.
        """
        if applied.model.two_chains:
            return {}
        problem = self._assigner.problem().admitted()
        layer_blobs = footprint_of(problem).layer_blobs
        sizes = [sum(blob.size_bytes for blob in blobs) for blobs in layer_blobs]
        overlaps = overlapping_layers(
            applied.assignment, sizes, self._spare_bytes(applied, problem)
        )
        lacking = {}
        for serial, layers in overlaps.items():
            stored = self._fleet.phones[serial].connection.stored
            blobs = dict.fromkeys(blob for layer in layers for blob in layer_blobs[layer])
            missing = [blob for blob in blobs if blob.sha256 not in stored]
            if missing and serial not in self._refused:
                lacking[serial] = missing
        return lacking

    def _spare_bytes(self, applied: Applied, problem: PlacementProblem) -> dict[Serial, int]:
        """Return what phones have left for more: those at work, and the quickest of the others."""
        prediction = self._assigner.predict(applied.assignment)
        stages = prediction.stages if prediction else ()
        spare = {stage.serial: max(stage.headroom_bytes, 0) for stage in stages}
        others = [device for device in problem.devices if device.serial not in spare]
        others.sort(key=lambda device: -device.weight_bytes_per_second)
        return spare | {
            device.serial: device.memory_budget_bytes for device in others[:MOST_SPARE_PHONES]
        }
