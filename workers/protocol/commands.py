"""What the host asks of a worker, and what it is answered with. docs/wire-protocol.md says more."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final, NamedTuple

from workers.fault_names import FaultName
from workers.protocol.boundary import Boundary
from workers.protocol.bounds import (
    ByteCount,
    Digest,
    Integer,
    Items,
    Number,
    Octets,
    ShortText,
    Tensors,
    Text,
    TokenId,
    Uint32,
    Version,
)
from workers.protocol.message import Reply, WorkerCommand
from workers.protocol.sampling_rule import (
    MAXIMUM_ALTERNATIVES,
    Additions,
    AskedTokens,
    Mask,
    Repeated,
    Repetition,
    SamplingRule,
    Steering,
)
from workers.protocol.span_shape import SpanShape
from workers.protocol.step_message import MAXIMUM_IDENTIFIER, ClockTime
from workers.protocol.wire import PROTOCOL_VERSION, Kind, Tensor

NONCE_BYTES: Final = 32
SECRET_BYTES: Final = 32
OPENING_NONCE_BYTES: Final = 16
SIGNATURE_BYTES: Final = 64
MAXIMUM_RECEIPT_BYTES: Final = 16_384
MAXIMUM_TIMES_BYTES: Final = 2_048
MAXIMUM_NOTE_CHARACTERS: Final = 2_048
MAXIMUM_PROOF_HASHES: Final = 128
"""More than a proof between two trees of 2^60 leaves has."""
MAXIMUM_ANSWER_BYTES: Final = 1 << 20
MAXIMUM_STREAM_BYTES: Final = 8 << 20
MAXIMUM_PINGS: Final = 50
MAXIMUM_LIMIT_S: Final = 5.0
MAXIMUM_SPANS: Final = 64
MAXIMUM_SLOTS: Final = 1_024
MAXIMUM_TRANSACTIONS: Final = 1_024
HISTORY_TOKENS: Final = 8_192
"""How much of a text drafts are looked up in; the newest, besides what is generated."""
MAXIMUM_EXCERPT_STEPS: Final = 8_192
"""So that what is said of them fits a header."""
_MOST_PER_SECOND: Final = 1e16
_LONGEST_S: Final = 3_600.0

TransactionText = Annotated[str, Text(maximum=MAXIMUM_IDENTIFIER, ascii_only=True)]
TransactionIds = Annotated[tuple[TransactionText, ...], Items(MAXIMUM_TRANSACTIONS)]
Spans = Annotated[tuple[ShortText, ...], Items(MAXIMUM_SPANS)]
CurveKey = Annotated[str, Text(40, 40, ascii_only=True)]
Rate = Annotated[float, Number(1.0, _MOST_PER_SECOND)]
Duration = Annotated[float, Number(0.0, _LONGEST_S)]
Stage = Annotated[int, Integer(0, 4_096)]
Threads = Annotated[int, Integer(1, 256)]
Note = Annotated[str, Text(minimum=0, maximum=MAXIMUM_NOTE_CHARACTERS)]
Port = Annotated[int, Integer(1, 65_535)]


class NextHop(NamedTuple):
    """Where a transaction's steps go on to: a `tcp://` endpoint and its CURVE key (Z85)."""

    endpoint: ShortText
    key: CurveKey


class StoredFile(NamedTuple):
    """A file of the phone's store."""

    sha256: Annotated[str, Digest()]
    size_bytes: Annotated[int, Integer(0, 1 << 40)]


class Resumption(NamedTuple):
    """Rows of an earlier transaction to begin with: those of its first steps, in its slot."""

    transaction: TransactionText
    slot: Annotated[int, Integer(0, MAXIMUM_SLOTS - 1)]
    steps: Annotated[int, Integer(1, MAXIMUM_EXCERPT_STEPS)]
    rows: Annotated[int, Integer(1, 1 << 20)]


@dataclass(frozen=True)
class SignedTerms:
    """What a host says that a transaction is about; its phones sign for this and nothing else."""

    request: Annotated[str, Digest()]
    """Of the prompt's tokens with a salt, so that nobody can guess a prompt by it."""
    model: Annotated[str, Digest()]
    """Of the model's manifest."""
    host_key: Annotated[str, Digest()]
    """The Ed25519 key of the host's ledger, 32 bytes."""
    entry: Annotated[int, Integer(1, (1 << 53) - 1)]
    """The journal entry that opened the transaction: the journal's end at that moment."""
    head: Annotated[str, Digest()]
    """The hash of that entry, which covers all before it."""


class ShownStep(NamedTuple):
    """A step of a transcript."""

    step: Uint32
    position: Uint32


@dataclass(frozen=True)
class Done(Reply):
    """It was carried out, and there is nothing to tell."""


@dataclass(frozen=True)
class Introduction(Reply):
    """Who a worker is and what it holds; `proof` binds serial and keys to the host that asked."""

    protocol: Annotated[int, Version(PROTOCOL_VERSION)]
    version: ShortText
    public_key: Annotated[bytes, Octets(32, 32)]
    proof: Annotated[bytes, Octets(SIGNATURE_BYTES, SIGNATURE_BYTES)]
    numerical_class: ShortText
    process_id: Annotated[int, Integer(1, 1 << 31)]
    threads: Threads
    spans: Spans
    transactions: TransactionIds


@dataclass(frozen=True)
class Hello(WorkerCommand[Introduction], kind=Kind.HELLO):
    """Say who you are, to the host whose ledger has that Ed25519 key."""

    protocol: Annotated[int, Version(PROTOCOL_VERSION)]
    nonce: Annotated[bytes, Octets(NONCE_BYTES, NONCE_BYTES)]
    host_key: Annotated[bytes, Octets(32, 32)]

    @staticmethod
    def anew(host_key: bytes, random_bytes: Callable[[int], bytes] = os.urandom) -> Hello:
        """Return one with a nonce that nobody has signed yet."""
        return Hello(PROTOCOL_VERSION, random_bytes(NONCE_BYTES), host_key)


@dataclass(frozen=True)
class Measured(Reply):
    """How fast a phone is."""

    weight_bytes_per_second: Rate
    flops_per_second: Rate
    step_overhead_s: Duration


@dataclass(frozen=True)
class Measure(WorkerCommand[Measured], kind=Kind.MEASURE):
    """Run the canary."""


@dataclass(frozen=True)
class Pong(Reply):
    """The bytes that were asked for, and the phone's monotonic clock as it answered."""

    clock_us: ClockTime = 0
    tensors: Annotated[tuple[Tensor, ...], Tensors(1)] = ()


@dataclass(frozen=True)
class Ping(WorkerCommand[Pong], kind=Kind.PING):
    """Answer with so many bytes; taken from any admitted key and answered to its sender."""

    answer_bytes: Annotated[int, Integer(0, MAXIMUM_ANSWER_BYTES, multiple=4)] = 0
    tensors: Annotated[tuple[Tensor, ...], Tensors(1)] = ()


@dataclass(frozen=True)
class Probed(Reply):
    """How far another phone is; no rate where no stream was asked for or nothing came through."""

    round_trip_s: Duration
    bytes_per_second: Rate | None


@dataclass(frozen=True)
class Probe(WorkerCommand[Probed], kind=Kind.PROBE):
    """Measure the way to another phone."""

    endpoint: ShortText
    key: CurveKey
    pings: Annotated[int, Integer(1, MAXIMUM_PINGS)]
    size_bytes: Annotated[int, Integer(0, MAXIMUM_STREAM_BYTES)]
    limit_s: Annotated[float, Number(0.0, MAXIMUM_LIMIT_S)]


@dataclass(frozen=True)
class Admit(WorkerCommand[Done], kind=Kind.ADMIT):
    """Take steps from the holders of these keys and of no others."""

    keys: Annotated[tuple[CurveKey, ...], Items(4_096)]


@dataclass(frozen=True)
class OutletOpened(Reply):
    """Where an outlet listens, and where the host leaves streams for it."""

    endpoint: ShortText
    intake_port: Port


@dataclass(frozen=True)
class OpenOutlet(WorkerCommand[OutletOpened], kind=Kind.OUTLET):
    """Open a port whose connections the host leads to the worker with that key."""

    key: CurveKey
    secret: Annotated[bytes, Octets(SECRET_BYTES, SECRET_BYTES)]


@dataclass(frozen=True)
class SetFault(WorkerCommand[Done], kind=Kind.FAULT):
    """Show this fault from the given generated token on, in that share of the steps."""

    fault: FaultName
    token: Annotated[int, Integer(1, 1 << 32)] = 1
    amount: Annotated[float, Number(0.0, 1e6)] = 1.0
    """In the unit of its kind: times, a share, bits, steps, milliseconds, seconds, MiB."""
    share: Annotated[float, Number(0.0, 1.0)] = 1.0
    seed: Annotated[int, Integer(0, 1 << 32)] = 0


@dataclass(frozen=True)
class HeldHead(Reply):
    """The newest head that the phone holds of a ledger, as a signed note; empty where none."""

    note: Note


@dataclass(frozen=True)
class ShowHead(WorkerCommand[HeldHead], kind=Kind.HELD_HEAD):
    """Show the newest head held of the ledger with that Ed25519 key."""

    log_key: Annotated[bytes, Octets(32, 32)]


@dataclass(frozen=True)
class Cosigned(Reply):
    """The phone's cosignature; empty where the head does not follow the one it holds."""

    line: Annotated[str, Text(minimum=0, maximum=512)]


@dataclass(frozen=True)
class Cosign(WorkerCommand[Cosigned], kind=Kind.COSIGN):
    """Sign a head of a ledger; the proof leads from the head that the phone holds to it."""

    note: Note
    proof: Annotated[tuple[Annotated[bytes, Octets(32, 32)], ...], Items(MAXIMUM_PROOF_HASHES)]


@dataclass(frozen=True)
class Stop(WorkerCommand[Done], kind=Kind.STOP):
    """End."""


@dataclass(frozen=True)
class Loaded(Reply):
    """How long loading took and what the worker now holds in memory."""

    load_ms: Annotated[float, Number(0.0, 1e9)]
    resident_bytes: ByteCount
    kv_bytes: ByteCount


@dataclass(frozen=True)
class Load(WorkerCommand[Loaded], kind=Kind.LOAD):
    """Verify files of the store and load a span from them."""

    span: ShortText
    graph: Annotated[str, Digest()]
    blobs: Annotated[tuple[StoredFile, ...], Items(8_192)]
    threads: Threads
    shape: SpanShape


@dataclass(frozen=True)
class Unload(WorkerCommand[Done], kind=Kind.UNLOAD):
    """Let go of a span; refused while a transaction is open on it."""

    span: ShortText


@dataclass(frozen=True)
class Opened(Reply):
    """Whether the transaction begins with the rows it was to resume from; false where none were."""

    resumed: bool
    nonce: Annotated[bytes, Octets(OPENING_NONCE_BYTES, OPENING_NONCE_BYTES)]
    """Drawn by the phone: its receipt names this opening of the transaction and no other."""


@dataclass(frozen=True)
class Open(WorkerCommand[Opened], kind=Kind.OPEN):
    """Open a transaction."""

    transaction: TransactionText
    span: ShortText
    stage: Stage
    slot: Annotated[int, Integer(0, MAXIMUM_SLOTS - 1)]
    sampling: SamplingRule
    alternatives: Annotated[int, Integer(0, MAXIMUM_ALTERNATIVES)]
    boundary: Boundary
    next: NextHop | None
    first: NextHop | None
    end_tokens: Annotated[tuple[TokenId, ...], Items(256)]
    previous: CurveKey | None
    resume: Resumption | None
    terms: SignedTerms
    history: Annotated[tuple[TokenId, ...], Items(HISTORY_TOKENS)] | None = None
    """The text so far, for the last stage to look drafts up in; None where it sends none."""
    asked: AskedTokens | None = None
    """For the last stage; None where it is to believe the rows that other phones send it."""


@dataclass(frozen=True)
class Sealed(Reply):
    """A receipt and its signature."""

    receipt: Annotated[bytes, Octets(1, MAXIMUM_RECEIPT_BYTES)]
    signature: Annotated[bytes, Octets(SIGNATURE_BYTES, SIGNATURE_BYTES)]
    times: Annotated[bytes, Octets(0, MAXIMUM_TIMES_BYTES)] = b""
    """What the steps took, and what the phone stands by (`workers.pledges.work_times`)."""
    times_signature: Annotated[bytes, Octets(0, SIGNATURE_BYTES)] = b""


@dataclass(frozen=True)
class Seal(WorkerCommand[Sealed], kind=Kind.SEAL):
    """Sign for at most so many of the first steps of a transaction.

    So many first ones are `done`: drafts among them are right. Of later drafts the stage signs for
    those alone that a newer step told it of.
    """

    transaction: TransactionText
    steps: Uint32
    done: Uint32


@dataclass(frozen=True)
class Steer(WorkerCommand[Done], kind=Kind.STEER):
    """Choose one token, not yet asked for, by this too; for the last stage."""

    transaction: TransactionText
    generated: Annotated[int, Integer(1, 1 << 32)]
    allowed: Mask
    added: Additions
    repeated: Repeated
    repetition: Repetition

    @staticmethod
    def by(transaction: str, generated: int, how: Steering) -> Steer:
        """Return the command to choose the token of that number so."""
        return Steer(transaction, generated, how.allowed, how.added, how.repeated, how.repetition)


@dataclass(frozen=True)
class Excerpt(Reply):
    """Steps of a transcript, one input tensor each."""

    steps: Annotated[tuple[ShownStep, ...], Items(MAXIMUM_EXCERPT_STEPS)]
    tensors: Annotated[tuple[Tensor, ...], Tensors(MAXIMUM_EXCERPT_STEPS)] = ()


@dataclass(frozen=True)
class ShowTranscript(WorkerCommand[Excerpt], kind=Kind.TRANSCRIPT):
    """Show what came in, for an audit."""

    transaction: TransactionText
    first_step: Uint32
    count: Annotated[int, Integer(1, MAXIMUM_EXCERPT_STEPS)]


@dataclass(frozen=True)
class Close(WorkerCommand[Done], kind=Kind.CLOSE):
    """End a transaction and free its slot, whose first steps others may resume from."""

    transaction: TransactionText
    kept_steps: Annotated[int, Integer(0, MAXIMUM_EXCERPT_STEPS)]
