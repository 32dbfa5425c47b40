"""Messages with something wrong in them, made of right ones: a kind, a field, or all of it.

A short run in the tests. `SHARDLOOM_FUZZ=100000` in the environment sends as many as wanted,
`SHARDLOOM_FUZZ_SEED` chooses others.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Final

import msgpack
import numpy as np

from tests.signing import TERMS
from workers.fault_names import FaultName
from workers.protocol.between_phones.replica_messages import (
    FetchRecords,
    HaveRecords,
    ListedRecord,
    ListRecords,
    OfferRecords,
    PeerMessage,
    PutRecords,
    RecordsFetched,
    RecordsListed,
    ReplicasShown,
    SetMembers,
    ShowNodes,
    ShowReplicas,
    ShowRoots,
    SignerRoot,
    TellMembers,
    TreeNode,
    WantRecords,
)
from workers.protocol.boundary import Boundary
from workers.protocol.chain import ChainName, Span
from workers.protocol.codec import encode
from workers.protocol.commands import (
    Admit,
    Close,
    Cosign,
    Cosigned,
    Done,
    Excerpt,
    HeldHead,
    Hello,
    Introduction,
    Load,
    Loaded,
    Measure,
    Measured,
    NextHop,
    Open,
    Opened,
    OpenOutlet,
    OutletOpened,
    Ping,
    Pong,
    Probe,
    Probed,
    Resumption,
    Seal,
    Sealed,
    SetFault,
    ShowHead,
    ShownStep,
    ShowTranscript,
    Steer,
    Stop,
    StoredFile,
    Unload,
)
from workers.protocol.message import Message
from workers.protocol.replay_commands import (
    BeginReplay,
    CanaryShown,
    EndReplay,
    Grounds,
    OpenStates,
    Recompute,
    ReplaySteps,
    RowsRecomputed,
    ShowCanary,
    ShowGrounds,
    SignStates,
    StatesOpened,
    StatesSigned,
)
from workers.protocol.sampling_rule import Added, Choice, SamplingRule
from workers.protocol.span_shape import SpanShape
from workers.protocol.step_message import TraceEntry
from workers.protocol.told import Broken, Failed, Heartbeat, Token, ToldToken
from workers.protocol.wire import PROTOCOL_VERSION

CASES: Final = int(os.environ.get("SHARDLOOM_FUZZ", "2000"))
SEED: Final = int(os.environ.get("SHARDLOOM_FUZZ_SEED", "20261130"))
CALL: Final = 7
KEY: Final = "k" * 40
SHAPE: Final = SpanShape(Span(ChainName.DECODER, 0, 4), True, False, 64, 100, 2, 32, 128, 4)
COMMANDS: Final = (
    Hello(PROTOCOL_VERSION, bytes(32), bytes(32)),
    Measure(),
    Ping(4, (np.zeros(2, np.float32),)),
    Probe("tcp://127.0.0.1:1", KEY, 5, 1024, 0.5),
    Admit((KEY, KEY)),
    OpenOutlet(KEY, bytes(32)),
    Load("span", "ab" * 32, (StoredFile("cd" * 32, 9),), 1, SHAPE),
    Unload("span"),
    Open(
        "t",
        "span",
        1,
        0,
        SamplingRule(0.5, 0.9, 3),
        2,
        Boundary.F16,
        NextHop("tcp://127.0.0.1:1", KEY),
        None,
        (1, 2),
        KEY,
        Resumption("s", 3, 2, 70),
        TERMS,
    ),
    Steer("t", 3, b"\x78\x01", (Added(7, -1.5),), (7, 9), 1.3),
    Seal("t", 5, 4),
    ShowTranscript("t", 0, 4),
    ShowGrounds("t", 0, 4),
    Close("t", 2),
    SetFault(FaultName.SLOW, 2, 4.0),
    ShowHead(bytes(range(32))),
    Cosign("log\n3\nroot\n\n— log key\n", (bytes(32), bytes(range(32)))),
    ShowCanary(1),
    BeginReplay("span", Boundary.F32, ("value.0", "present.1.key")),
    ReplaySteps((0, 4), (np.zeros((1, 4), np.int64), np.zeros((1, 1), np.int64))),
    SignStates(),
    OpenStates((0, 7)),
    EndReplay(),
    Recompute("span", 4, (np.zeros((1, 2, 64), np.float32),)),
    SetMembers(b"{}", bytes(64), b"{}", (NextHop("tcp://127.0.0.1:1", KEY),)),
    ShowReplicas(),
    ListRecords(ListedRecord(bytes(32), bytes(32))),
    FetchRecords((bytes(32),)),
    Stop(),
)
REPLIES: Final = (
    Done(),
    Introduction(PROTOCOL_VERSION, "1", bytes(32), bytes(64), "class", 9, 1, ("span",), ("t",)),
    Measured(1e9, 1e9, 1e-4),
    Pong(7, (np.zeros(2, np.float32),)),
    Probed(0.001, 1e6),
    Opened(resumed=True, nonce=bytes(16)),
    OutletOpened("tcp://127.0.0.1:1", 4_000),
    Loaded(1.5, 1 << 20, 1 << 10),
    Sealed(b"{}", bytes(64)),
    HeldHead("log\n3\nroot\n\n— log key\n"),
    Cosigned("— phone key"),
    CanaryShown((np.zeros((2, 2), np.float32),) * 5),
    StatesSigned(b"{}", bytes(64)),
    StatesOpened((bytes(32),), (np.zeros(4, np.float32),)),
    RowsRecomputed((np.zeros((1, 2, 64), np.float32),)),
    Grounds((np.zeros(24, np.float32), np.zeros(0, np.float32))),
    Excerpt((ShownStep(0, 0), ShownStep(1, 4)), (np.zeros((1, 4), np.int64),) * 2),
    ReplicasShown(number=1, kept=2, kept_bytes=900, owed=0, unstored=0, conflicts=0),
    RecordsListed((ListedRecord(bytes(32), bytes(32)),), more=True),
    RecordsFetched((b"packed",)),
)
PEERS: Final = (
    PutRecords((b"packed", b"too"), answer=True),
    HaveRecords((bytes(32),)),
    OfferRecords(bytes(32), (bytes(32), b"d" * 32)),
    WantRecords(bytes(32), (bytes(32),), answer=False),
    ShowRoots(7, bytes(32), (SignerRoot(bytes(32), bytes(32)),)),
    ShowNodes(bytes(32), (TreeNode("0f", complete=False, hashes=(bytes(16),) * 16),)),
    TellMembers(b"{}", bytes(64), b"{}"),
)
HEARTBEAT: Final = Heartbeat("A", 3, 1 << 20, 1 << 10, 12.5, ("span",), ("t",))
UNASKED: Final = (
    Failed("no room"),
    Token(
        (ToldToken("t", 0, 1, 7, -0.5, (Choice(7, -0.5), Choice(3, -1.5)), goes_on=True),),
        (TraceEntry(0, 1500, 20, 1400), TraceEntry(1, 900, 10, 800, 5, 6, 7)),
    ),
    Token((ToldToken("t", 0, 0, None, None, (), goes_on=False),), ()),
    Broken(("t",), "A", "is out of memory", "not-finite"),
)
ODD: Final[tuple[Any, ...]] = (
    {"odd": 1},
    "x" * 3_000,
    -1.5e300,
    float("nan"),
    float("inf"),
    1 << 63,
    [None],
    [[[{}]]],
)
"""No field takes any of these, nor does a place within a field."""


def called(message: Message) -> list[bytes]:
    """Return the frames of a message, under a call number where it has one."""
    by_itself = isinstance(message, Token | Broken | Heartbeat | PeerMessage)
    return [bytes(frame) for frame in encode(message, None if by_itself else CALL)]


def spoiled(frames: Sequence[bytes], chance: random.Random) -> list[bytes]:
    """Return frames that no codec may take."""
    header, *tensors = frames
    values = msgpack.unpackb(header)
    match chance.randrange(6):
        case 0:
            values["kind"] = chance.choice(["dance", "", "hello\0", "Open", 7, None, ["open"]])
        case 1:
            del values[chance.choice([*values])]
        case 2:
            values[f"surplus{chance.randrange(1_000_000)}"] = chance.choice(ODD)
        case 3:
            name = chance.choice([*values])
            values[name] = _with_odd_place(values[name], chance)
        case 4:
            tensors = [*tensors, bytes(8)]
        case _:
            return [header[: chance.randrange(len(header))], *tensors]
    return [msgpack.packb(values), *tensors]


def _with_odd_place(value: Any, chance: random.Random) -> Any:  # noqa: ANN401 - msgpack's own
    """Return a value with something odd in its place, or somewhere within it."""
    inner = [*value] if isinstance(value, dict) else [*range(len(value))] if _is_list(value) else []
    if not inner or chance.random() < 0.3:
        return deepcopy(chance.choice(ODD))
    place = chance.choice(inner)
    changed = deepcopy(value)
    changed[place] = _with_odd_place(value[place], chance)
    return changed


def _is_list(value: object) -> bool:
    return isinstance(value, list)
