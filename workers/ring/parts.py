"""The parts of one worker, put together once at its start."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from workers.engine.light_sleep import LightSleep
from workers.engine.processor import memory_for_layers
from workers.engine.spans import SpanTable
from workers.identity.identity import Identity
from workers.network.curve import Admission
from workers.network.inbox import Inbox
from workers.network.links import OutboundLinks
from workers.network.outlets import Outlets
from workers.network.pulse import ActivityBoard
from workers.pledges.pledge import Pledge
from workers.protocol.message import Reply, WorkerCommand
from workers.replicas.replicas import Replicas
from workers.ring.transactions import TransactionTable

Handlers = dict[type[WorkerCommand[Any]], Callable[[Any], Reply | None]]
"""What carries out each command; none where an answer is withheld."""


@dataclass(frozen=True)
class WorkerParts:
    """What commands and steps work with; used by the main thread only, save the board."""

    serial: str
    transport_key: str
    """The public half of the worker's CURVE key (Z85)."""
    threads: int
    identity: Identity
    admission: Admission
    inbox: Inbox
    links: OutboundLinks
    outlets: Outlets
    spans: SpanTable
    transactions: TransactionTable
    replicas: Replicas
    board: ActivityBoard
    sleep: LightSleep
    now_ns: Callable[[], int] = time.perf_counter_ns
    """What steps are timed by."""
    memory_bytes: Callable[[], int] = memory_for_layers
    """How much memory there is for layers, those that are held among it."""
    pledge: Pledge = field(default_factory=Pledge)
    """What this phone stands by."""
