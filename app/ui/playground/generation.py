"""Starts and stops the playground's requests, and repeats them where that is wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, Signal

from app.core.identifiers import RequestId
from app.rack.commands import Ask, Cancel, Sampling
from app.rack.snapshot import Phase, RackSnapshot, RequestSnapshot, RequestState
from app.ui.playground.sampling_button import with_next_seed
from app.ui.rack_link import RackLink

CAN_GENERATE = (Phase.READY, Phase.RUNNING, Phase.DEGRADED)


class Generation(QObject):
    """While repeating, a settled request is followed by one with the next seed.

    A request that fails, is refused or is cancelled ends the repeating.
    """

    repeating_changed = Signal(bool)
    accepted = Signal(object)
    """The `RequestId` of what was asked for."""
    refused = Signal()

    def __init__(self, link: RackLink, wanted: Callable[[], Ask | None]) -> None:
        """`wanted` tells what is typed; None where nothing is."""
        super().__init__()
        self._link = link
        self._wanted = wanted
        self._repeating = False
        self._sampling: Sampling | None = None
        self._asking = False
        self._expected: RequestId | None = None
        self._repeated: RequestId | None = None
        link.snapshot_changed.connect(self._take)

    @property
    def newest(self) -> RequestSnapshot | None:
        """The newest request of the rack."""
        snapshot = self._link.snapshot
        return snapshot.requests[-1] if snapshot and snapshot.requests else None

    def start(self) -> None:
        """Generate from what is typed."""
        self._ask(self._wanted(), repeated=False)

    def stop(self) -> None:
        """Stop the newest request, and repeating with it."""
        self.set_repeating(on=False)
        newest = self.newest
        if newest is not None and not newest.state.ended:
            self._cancel(newest.identifier)

    def set_repeating(self, on: bool) -> None:  # noqa: FBT001 - a Qt slot
        """Begin to repeat, at once where nothing runs; or end it with what it started."""
        if on == self._repeating:
            return
        self._repeating = on
        self.repeating_changed.emit(on)
        newest = self.newest
        running = newest is not None and not newest.state.ended
        if on and not running and not self._asking:
            self._ask_next()
        elif not on and running and newest is not None and newest.identifier == self._repeated:
            self._cancel(newest.identifier)

    def _take(self, snapshot: RackSnapshot) -> None:
        newest = self.newest
        if not self._repeating or self._asking or newest is None:
            return
        if self._expected not in (None, newest.identifier):
            return
        if newest.state is RequestState.SETTLED:
            if snapshot.phase in CAN_GENERATE:
                self._ask_next()
        elif newest.state.ended:
            self.set_repeating(on=False)

    def _ask_next(self) -> None:
        wanted = self._wanted()
        if wanted is not None and self._sampling is not None:
            seed = with_next_seed(self._sampling).seed
            wanted = replace(wanted, sampling=replace(wanted.sampling, seed=seed))
        self._ask(wanted, repeated=True)

    def _ask(self, wanted: Ask | None, *, repeated: bool) -> None:
        if wanted is None:
            self.set_repeating(on=False)
            return
        self._asking = True
        self._sampling = wanted.sampling
        self._link.submit(
            wanted,
            partial(self._accepted, repeated=repeated),
            self._refused,
        )

    def _accepted(self, request: RequestId, *, repeated: bool) -> None:
        self._asking = False
        self._expected = request
        self._repeated = request if repeated else None
        self.accepted.emit(request)
        if repeated and not self._repeating:
            self._cancel(request)

    def _refused(self) -> None:
        self._asking = False
        self.refused.emit()
        self.set_repeating(on=False)

    def _cancel(self, request: RequestId) -> None:
        self._link.submit(Cancel(request))
