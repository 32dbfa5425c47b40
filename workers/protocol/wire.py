"""What the frames of a message hold, between the host and phones. Nothing is ever unpickled.

A message is a list of frames: one msgpack map, then one raw little-endian tensor per entry of
its `tensors` list. The map always has `kind`; commands and replies also carry `call`, a number
chosen by the host and repeated in the reply. Steps have a form of their own (`step_message`).
`codec` reads and writes them; docs/wire-protocol.md gives every field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

PROTOCOL_VERSION: Final = 15
MAXIMUM_HEADER_BYTES: Final = 1 << 20
MAXIMUM_TENSOR_BYTES: Final = 256 << 20
MAXIMUM_DIMENSIONS: Final = 8
DTYPES: Final[Mapping[str, np.dtype[Any]]] = {
    "f4": np.dtype("<f4"),
    "f2": np.dtype("<f2"),
    "i8": np.dtype("<i8"),
    "u1": np.dtype("u1"),
}
CODES: Final = {dtype: code for code, dtype in DTYPES.items()}

Tensor = NDArray[Any]


class Kind:
    """Message kinds. Commands are answered by `DONE` or `FAILED` with the same `call`."""

    HELLO: Final = "hello"
    LOAD: Final = "load"
    UNLOAD: Final = "unload"
    OPEN: Final = "open"
    STEER: Final = "steer"
    SEAL: Final = "seal"
    TRANSCRIPT: Final = "transcript"
    GROUNDS: Final = "grounds"
    CLOSE: Final = "close"
    FAULT: Final = "fault"
    MEASURE: Final = "measure"
    PING: Final = "ping"
    PROBE: Final = "probe"
    ADMIT: Final = "admit"
    OUTLET: Final = "outlet"
    HELD_HEAD: Final = "held-head"
    COSIGN: Final = "cosign"
    CANARY: Final = "canary"
    REPLAY: Final = "replay"
    REPLAY_STEPS: Final = "replay-steps"
    SIGN_STATES: Final = "sign-states"
    OPEN_STATES: Final = "open-states"
    END_REPLAY: Final = "end-replay"
    RECOMPUTE: Final = "recompute"
    SET_MEMBERS: Final = "set-members"
    SHOW_REPLICAS: Final = "show-replicas"
    LIST_RECORDS: Final = "list-records"
    FETCH_RECORDS: Final = "fetch-records"
    PUT_RECORDS: Final = "put-records"
    HAVE_RECORDS: Final = "have-records"
    OFFER_RECORDS: Final = "offer-records"
    WANT_RECORDS: Final = "want-records"
    SHOW_ROOTS: Final = "show-roots"
    SHOW_NODES: Final = "show-nodes"
    TELL_MEMBERS: Final = "tell-members"
    STOP: Final = "stop"
    DONE: Final = "done"
    FAILED: Final = "failed"
    TOKEN: Final = "token"  # noqa: S105 - a message kind
    BROKEN: Final = "broken"
    HEARTBEAT: Final = "heartbeat"


@dataclass(frozen=True)
class RawMessage:
    """Header fields that nobody has checked yet, and tensors (arrays are read-only views)."""

    kind: str
    fields: Mapping[str, Any]
    tensors: tuple[Tensor, ...] = field(default=())
