"""What every request works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.core.clock import Clock
from app.core.identifiers import Serial
from app.core.nursery import Nursery
from app.ledger.rules.quotes.quote import PhoneState
from app.pipeline.opening_stages.attempt_terms import PREFILL_CHUNK_TOKENS
from app.pipeline.opening_stages.lookup import LookupMode
from app.pipeline.prompts.prefill_window import MOST_CHUNKS
from app.placement.problem import Objective
from app.rack.blocking import BlockingPool
from app.rack.layers.assigner import Assigner
from app.rack.layers.quotes import state_of
from app.rack.layers.spans import Applied
from app.rack.phones.fleet import Fleet
from app.rack.settlement.penalties import Penalties
from app.rack.settlement.settlement import Settlement
from app.rack.timeline import Timeline
from app.telemetry.samples import TelemetryStore
from workers.protocol.boundary import Boundary


@dataclass(frozen=True)
class Workplace:
    """What every request works with."""

    fleet: Fleet
    assigner: Assigner
    settlement: Settlement
    penalties: Penalties
    telemetry: TelemetryStore
    timeline: Timeline
    clock: Clock
    boundary: Boundary
    changed: Callable[[], None]
    nursery: Nursery
    steering: BlockingPool
    """One thread that asks grammars which tokens may follow: one may take long over a mask."""
    random_bytes: Callable[[int], bytes]
    pause_limit_s: float
    """How long a request waits for phones without coming any further, until it fails."""
    lookup: LookupMode = LookupMode.AUTO
    """Whether rings may draft tokens."""
    chunk_tokens: int = PREFILL_CHUNK_TOKENS
    """How much of a prompt goes in one step."""
    most_chunks: int = MOST_CHUNKS
    """How many of these steps are under way at a time."""

    def bought_states(self, applied: Applied) -> dict[Serial, PhoneState]:
        """Return how the phones of a ring are, where the rack buys by price; nothing else."""
        if self.assigner.objective is not Objective.PRICE:
            return {}
        phones, used = self.fleet.phones, applied.slots.in_use
        return {serial: state_of(phones[serial], *used) for serial in applied.assignment.serials}
