"""What a front end may ask of the rack, from any thread. Nothing here waits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

from app.core.assignment import Assignment
from app.core.identifiers import RequestId
from app.placement.problem import Prediction
from app.rack.commands.command import Command, Result
from app.rack.events.recorder import Recording
from app.rack.events.request_log import RequestStream
from app.rack.snapshot import ModelChoice, RackSnapshot, Samples
from app.telemetry.history import History, Metric, Window


class RackAccess(Protocol):
    """What a rack offers wherever it is open, be it in another program (`app.rack.door`)."""

    def do(self, command: Command[Result]) -> Future[Result]:
        """Carry out a command on the service thread.

        A failure that a person can act on is set on the Future as a `ShardloomError`. Cancelling
        the Future stops what is still under way.
        """
        ...

    def subscribe(self, listener: Callable[[RackSnapshot], None]) -> Callable[[], None]:
        """Call the listener (on the service thread) with each new snapshot; returns the undo."""
        ...

    def snapshot(self) -> RackSnapshot:
        """Return the newest snapshot; it shows what every settled command did."""
        ...

    def follow(self, request: RequestId, after: int = 0) -> RequestStream:
        """Return a stream of a request's own events, from its first or from after a sequence.

        They come as they happen, not with the snapshots; whoever follows late gets those before
        too. Raises `BadInputError` for a request that is not kept (any more).
        """
        ...

    def models(self) -> tuple[ModelChoice, ...]:
        """Return the imported models."""
        ...

    def close(self) -> Future[None]:
        """Use it no longer; whose it is stops workers and started phones and settles the ledger."""
        ...


class RackControl(RackAccess, Protocol):
    """The façade as a front end on another thread sees it: one verb, and what there is to see."""

    def events(self, since: int = 0) -> Recording:
        """Return what was recorded after a sequence: commands, what happened, snapshots."""
        ...

    def samples(self) -> Samples:
        """Return the graph points of the last 60 seconds, oldest first."""
        ...

    def history(self, metric: Metric, window: Window) -> History:
        """Return one figure of every phone over a longer time, oldest first."""
        ...

    def predict(self, assignment: Assignment) -> Prediction | None:
        """Predict at once, in the caller's thread, for previews while dragging (< 1 ms)."""
        ...
