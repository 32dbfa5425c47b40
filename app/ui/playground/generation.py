"""Starts and stops the playground's requests, and repeats them where that is wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, Signal

from app.core.identifiers import RequestId
from app.core.tasks import Complete, TaskKind
from app.rack.commands import Ask, Cancel, Sampling
from app.rack.snapshot import Phase, RackSnapshot, RequestState
from app.ui.playground.conversations.talks import Talk, Talks
from app.ui.playground.sampling_button import with_next_seed
from app.ui.rack_link import RackLink

CAN_GENERATE = (Phase.READY, Phase.RUNNING, Phase.DEGRADED)


class Generation(QObject):
    """While repeating, a settled request is followed by one with the next seed.

    A request that fails, is refused or is cancelled ends the repeating.
    """

    repeating_changed = Signal(bool)
    refused = Signal(str)
    """What was typed and not taken."""

    def __init__(self, link: RackLink, wanted: Callable[[], Ask | None], talks: Talks) -> None:
        """`wanted` tells what is typed; None where nothing is."""
        super().__init__()
        self._link = link
        self._wanted = wanted
        self._talks = talks
        self._repeating: Talk | None = None
        self._sampling: Sampling | None = None
        self._repeated: RequestId | None = None

    def start(self, talk: Talk, wanted: Ask | None = None) -> None:
        """Generate from what is typed, or from what is wanted instead."""
        wanted = wanted or self._wanted()
        if wanted is not None:
            self._ask(wanted, talk, repeated=False)

    def stop(self, talk: Talk) -> None:
        """Stop what a talk waits for, also before the rack has taken it, and repeating with it."""
        if talk is self._repeating:
            self.set_repeating(on=False)
        if talk.asked:
            talk.unwanted = True
        self._stop_taken(talk)

    def set_repeating(self, on: bool) -> None:  # noqa: FBT001 - a Qt slot
        """Begin to repeat what is shown, at once where it does not run; or end it."""
        if on == (self._repeating is not None):
            return
        shown = self._talks.shown
        talk = self._repeating or (shown if shown and shown.session is None else None)
        if on:
            self._repeating = talk or self._talks.begin(TaskKind.GENERATE)
            if not self._repeating.running:
                self._ask_next(self._repeating)
        else:
            self._repeating = None
            if talk and talk.identifier and talk.identifier == self._repeated:
                self._stop_taken(talk)
        self.repeating_changed.emit(self._repeating is not None)

    def take(self, snapshot: RackSnapshot) -> None:
        """Go on where what is repeated has settled."""
        talk = self._repeating
        if talk is None or talk.running:
            return
        if talk.request is not None and talk.request.state is RequestState.SETTLED:
            if snapshot.phase in CAN_GENERATE:
                self._ask_next(talk)
        else:
            self.set_repeating(on=False)

    def _ask_next(self, talk: Talk) -> None:
        wanted = self._wanted()
        if wanted is None:
            self.set_repeating(on=False)
            return
        if self._sampling is not None:
            seed = with_next_seed(self._sampling).seed
            wanted = replace(wanted, sampling=replace(wanted.sampling, seed=seed))
        self._ask(wanted, talk, repeated=True)

    def _ask(self, wanted: Ask, talk: Talk, *, repeated: bool) -> None:
        talk.asked, talk.unwanted = True, False
        if isinstance(wanted.task, Complete) and isinstance(wanted.task.text, str):
            talk.prompt = wanted.task.text
        self._sampling = wanted.sampling
        accepted = partial(self._accepted, talk, repeated=repeated)
        self._link.submit(wanted, accepted, partial(self._refused, talk))

    def _stop_taken(self, talk: Talk) -> None:
        """Cancel its newest request, unless a newer one is on its way to the rack."""
        if talk.running and not talk.asked and talk.identifier is not None:
            self._link.submit(Cancel(talk.identifier))

    def _accepted(self, talk: Talk, request: RequestId, *, repeated: bool) -> None:
        self._talks.accept(talk, request)
        self._repeated = request if repeated else self._repeated
        unwanted, talk.unwanted = talk.unwanted, False
        if unwanted or (repeated and self._repeating is not talk):
            self._link.submit(Cancel(request))

    def _refused(self, talk: Talk) -> None:
        typed = self._talks.refuse(talk)
        if talk is self._repeating:
            self.set_repeating(on=False)
        self.refused.emit(typed)
