"""What a front end may ask of the rack, from any thread. Nothing here waits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from app.core.assignment import Assignment
from app.core.identifiers import RequestId, Serial
from app.core.tasks import Task
from app.faults.catalogue import Fault
from app.placement.problem import Objective, Pin, Prediction
from app.rack.pairing import (
    PairedPhone,
    PairingRequest,
    PairingStep,
    PairingWindow,
    Place,
    SeenPhone,
)
from app.rack.snapshot import ModelChoice, RackSnapshot, Samples
from app.telemetry.history import History, Metric, Window

if TYPE_CHECKING:  # the planners take a while to load, and a window is painted before
    from app.rack.comparison import PlanComparison


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen, where the text ends and what is shown beside it.

    Temperature 0 is greedy. The text ends before the first of the `stop` texts that it would
    contain. `alternatives` is how many of the likeliest tokens are told with each one chosen.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    alternatives: int = 0


class RackControl(Protocol):
    """The façade as a front end on another thread sees it.

    Methods returning a Future do the work on the service thread; a failure a person can act on is
    set on it as a `ShardloomError`.
    """

    def subscribe(self, listener: Callable[[RackSnapshot], None]) -> Callable[[], None]:
        """Call the listener (on the service thread) with each new snapshot; returns the undo."""
        ...

    def snapshot(self) -> RackSnapshot:
        """Return the newest snapshot; it shows what every settled command did."""
        ...

    def samples(self) -> Samples:
        """Return the graph points of the last 60 seconds, oldest first."""
        ...

    def history(self, metric: Metric, window: Window) -> History:
        """Return one figure of every phone over a longer time, oldest first."""
        ...

    def models(self) -> tuple[ModelChoice, ...]:
        """Return the imported models."""
        ...

    def predict(self, assignment: Assignment) -> Prediction | None:
        """Predict at once, in the caller's thread, for previews while dragging (< 1 ms)."""
        ...

    def request_assignment(self, assignment: Assignment) -> Future[None]:
        """Make this the requested assignment; nothing moves until `apply`."""
        ...

    def replan(self, objective: Objective, pins: tuple[Pin, ...]) -> Future[None]:
        """Make the planner's answer the requested assignment."""
        ...

    def compare(self) -> Future[tuple[PlanComparison, ...]]:
        """Place the model by every method for the objective and pins now set."""
        ...

    def apply(self) -> Future[None]:
        """Deploy the requested assignment; running requests move over without losing a token.

        Cancelling the Future stops the deployment: the applied assignment stays.
        """
        ...

    def use_model(self, name: str) -> Future[None]:
        """Run another model on the rack."""
        ...

    def generate(
        self, prompt: str | tuple[int, ...], tokens: int, sampling: Sampling
    ) -> Future[RequestId]:
        """Start a request from text or token ids; its text is in the snapshots."""
        ...

    def ask(self, task: Task, tokens: int, sampling: Sampling) -> Future[RequestId]:
        """Start a request for a task; `tokens` and sampling count where the answer is a text.

        What the model on the rack can do stands in its `ModelChoice.tasks`.
        """
        ...

    def cancel(self, request: RequestId) -> Future[None]:
        """Stop a request; tokens so far stay shown."""
        ...

    def inject(self, fault: Fault) -> Future[None]:
        """Set a fault on a phone."""
        ...

    def clear_fault(self, serial: Serial) -> Future[None]:
        """Lift the fault from a phone, restarting its worker where it is gone."""
        ...

    def restart_worker(self, serial: Serial) -> Future[None]:
        """End a phone's worker and start a new one with the same layers.

        Running requests go on at once on the other phones, or on this one where only it can.
        """
        ...

    def release(self, serial: Serial) -> Future[None]:
        """Let a jailed phone work again; a journalled decision of the operator."""
        ...

    def add_stake(self, serial: Serial, amount: int) -> Future[None]:
        """Move micro-credits from the operator's account to a phone's stake."""
        ...

    def identify(self, serial: Serial) -> Future[None]:
        """Let a phone show itself: its screen wakes and blinks for two seconds."""
        ...

    def measure_links(self) -> Future[None]:
        """Measure the links between all phones anew; the snapshots' links tell what came of it.

        Nothing is measured while a request runs.
        """
        ...

    def watch_pairing(self, listener: Callable[[tuple[PairingWindow, ...]], None]) -> Future[None]:
        """Call the listener, on a thread of its own, with the phones that show a pairing code.

        Goes on until the Future is cancelled.
        """
        ...

    def pair_by_code(
        self, address: str, code: str, tell: Callable[[PairingStep], None]
    ) -> Future[PairedPhone]:
        """Pair with the phone that shows this `HOST:PORT` and six digits; it joins the rack.

        `tell` is called with each step, on a thread of its own.
        """
        ...

    def pair_by_qr(
        self, request: PairingRequest, tell: Callable[[PairingStep], None]
    ) -> Future[PairedPhone]:
        """Wait until a phone has read the QR code, then do as `pair_by_code`.

        Cancelling the Future ends the waiting.
        """
        ...

    def add_place(self, place: Place, *, patient: bool = False) -> Future[tuple[SeenPhone, ...]]:
        """Let the phones at a place join, while this rack is open.

        Where `patient`, an address that does not answer yet counts too: its phones join once it
        does.
        """
        ...

    def close(self) -> Future[None]:
        """Stop workers and started phones, settle the ledger, end the service thread."""
        ...
