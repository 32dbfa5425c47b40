"""The parts of one worker, put together once at its start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workers.curve import Admission
from workers.identity import Identity
from workers.inbox import Inbox
from workers.light_sleep import LightSleep
from workers.links import OutboundLinks
from workers.outlets import Outlets
from workers.pulse import ActivityBoard
from workers.spans import SpanTable
from workers.transactions import TransactionTable
from workers.wire import Tensor


@dataclass(frozen=True)
class WorkerParts:
    """What commands and steps work with; used by the main thread only, save the board."""

    serial: str
    threads: int
    identity: Identity
    admission: Admission
    inbox: Inbox
    links: OutboundLinks
    outlets: Outlets
    spans: SpanTable
    transactions: TransactionTable
    board: ActivityBoard
    sleep: LightSleep


@dataclass(frozen=True)
class CommandResult:
    """Fields and tensors of a `done`."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    tensors: tuple[Tensor, ...] = ()
