"""What every request works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.core.clock import Clock
from app.core.nursery import Nursery
from app.pipeline.opening_stages.attempt_terms import PREFILL_CHUNK_TOKENS
from app.pipeline.opening_stages.lookup import LookupMode
from app.pipeline.prompts.prefill_window import MOST_CHUNKS
from app.rack.blocking import BlockingPool
from app.rack.layers.assigner import Assigner
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
