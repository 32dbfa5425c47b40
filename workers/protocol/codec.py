"""Messages to frames and back: the one place where kind and fields are checked, both ways.

What is read has every field it must have, none besides, and each within its bounds; what is
written has too. docs/wire-protocol.md gives the frames.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, Final, NamedTuple, TypeVar, cast, get_args, get_type_hints

import msgpack
import numpy as np

from workers.errors import WireError
from workers.protocol.between_phones.replica_messages import (
    FetchRecords,
    HaveRecords,
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
    TellMembers,
    WantRecords,
)
from workers.protocol.bounds import FieldError, Form, Integer, Tensors, read_fields, write_fields
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
    Open,
    Opened,
    OpenOutlet,
    OutletOpened,
    Ping,
    Pong,
    Probe,
    Probed,
    Seal,
    Sealed,
    SetFault,
    ShowHead,
    ShowTranscript,
    Steer,
    Stop,
    Unload,
)
from workers.protocol.forms import field_forms, form_of
from workers.protocol.message import Message, Reply, ReplyType, WorkerCommand
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
from workers.protocol.told import Broken, Failed, Heartbeat, Token
from workers.protocol.wire import (
    CODES,
    DTYPES,
    MAXIMUM_DIMENSIONS,
    MAXIMUM_HEADER_BYTES,
    MAXIMUM_TENSOR_BYTES,
    Kind,
    RawMessage,
    Tensor,
)

COMMANDS: Final[tuple[type[WorkerCommand[Any]], ...]] = (
    Hello,
    Measure,
    Ping,
    Probe,
    Admit,
    OpenOutlet,
    Load,
    Unload,
    Open,
    Steer,
    Seal,
    ShowTranscript,
    ShowGrounds,
    Close,
    SetFault,
    ShowHead,
    Cosign,
    ShowCanary,
    BeginReplay,
    ReplaySteps,
    SignStates,
    OpenStates,
    EndReplay,
    Recompute,
    SetMembers,
    ShowReplicas,
    ListRecords,
    FetchRecords,
    Stop,
)
REPLIES: Final[tuple[type[Reply], ...]] = (
    Done,
    Introduction,
    Measured,
    Pong,
    Probed,
    Opened,
    OutletOpened,
    Loaded,
    Sealed,
    Excerpt,
    Grounds,
    HeldHead,
    Cosigned,
    CanaryShown,
    StatesSigned,
    StatesOpened,
    RowsRecomputed,
    ReplicasShown,
    RecordsListed,
    RecordsFetched,
)
UNASKED: Final[tuple[type[Message], ...]] = (Failed, Token, Broken, Heartbeat)
PEERS: Final[tuple[type[PeerMessage], ...]] = (
    PutRecords,
    HaveRecords,
    OfferRecords,
    WantRecords,
    ShowRoots,
    ShowNodes,
    TellMembers,
)
CallNumber = Annotated[int, Integer(0, 1 << 50)]
Frames = Sequence[bytes | memoryview]
_Known = TypeVar("_Known", bound=Message)


class _MessageForm(NamedTuple):
    fields: dict[str, Form]
    most_tensors: int


def _message_form(message: type[Message]) -> _MessageForm:
    most = 0
    if "tensors" in {each.name for each in fields(cast(Any, message))}:
        hint = get_type_hints(message, include_extras=True)["tensors"]
        (bound,) = [each for each in get_args(hint) if isinstance(each, Tensors)]
        most = bound.maximum
    return _MessageForm(field_forms(message), most)


_FORMS: Final = {each: _message_form(each) for each in (*COMMANDS, *REPLIES, *UNASKED, *PEERS)}
_PEERS: Final = {message.kind: message for message in PEERS}
_COMMANDS: Final = {command.kind: command for command in COMMANDS}
_CALL: Final = form_of(CallNumber)


@dataclass(frozen=True)
class Asked:
    """A command, and the number that its answer must repeat."""

    call: int
    command: WorkerCommand[Any]


@dataclass(frozen=True)
class CallAnswer:
    """What a worker says to a call: that it failed, or what only who called can read."""

    call: int
    content: Failed | RawMessage


class BadCommandError(WireError):
    """A command that cannot be read, though it has a number under which to say so."""

    def __init__(self, call: int, reason: str, /, **fields: str | float) -> None:
        super().__init__(reason, **fields)
        self.call = call


def encode(message: Message, call: int | None = None) -> list[bytes | memoryview]:
    """Return the frames of a message; commands and what answers them have a call number.

    Raises `WireError` naming a field that is not within its bounds.
    """
    form = _FORMS[type(message)]
    tensors = getattr(message, "tensors", ())
    written = write_fields(form.fields, message)
    if len(tensors) > form.most_tensors:
        raise FieldError("field.too_many", field="tensors", limit=form.most_tensors)
    if call is not None:
        written["call"] = _call(call)
    return raw_frames(message.kind, written, tensors)


def read_incoming(frames: Frames) -> Asked | PeerMessage:
    """Return the command in the frames, or what another phone says of receipts.

    Raises `WireError` for what is neither, `BadCommandError` where that can be answered.
    """
    raw = read_raw(frames)
    peer = _PEERS.get(raw.kind)
    return _asked(raw) if peer is None else _read(peer, dict(raw.fields), raw)


def read_command(frames: Frames) -> Asked:
    """Return the command in the frames.

    Raises `WireError` for what is none, `BadCommandError` where that can be answered.
    """
    return _asked(read_raw(frames))


def _asked(raw: RawMessage) -> Asked:
    values = dict(raw.fields)
    call = _call(values.pop("call", None))
    command = _COMMANDS.get(raw.kind)
    if command is None:
        raise BadCommandError(call, "message.unknown_command", kind=_named(raw.kind))
    try:
        return Asked(call, _read(command, values, raw))
    except WireError as error:
        raise BadCommandError(call, error.reason, **dict(error.fields)) from None


def read_told(frames: Frames) -> CallAnswer | Token | Broken:
    """Return what a worker says through its inbox. Raises `WireError`."""
    raw = read_raw(frames)
    if raw.kind == Kind.TOKEN:
        return _read(Token, dict(raw.fields), raw)
    if raw.kind == Kind.BROKEN:
        return _read(Broken, dict(raw.fields), raw)
    if raw.kind not in (Kind.DONE, Kind.FAILED):
        raise WireError("message.no_answer", kind=_named(raw.kind))
    values = dict(raw.fields)
    call = _call(values.pop("call", None))
    if raw.kind == Kind.FAILED:
        return CallAnswer(call, _read(Failed, values, raw))
    return CallAnswer(call, RawMessage(raw.kind, values, raw.tensors))


def read_reply(reply: type[ReplyType], raw: RawMessage) -> ReplyType:
    """Return what a `done` carries, which its command tells. Raises `WireError`."""
    return _read(reply, dict(raw.fields), raw)


def read_answer(frames: Frames, reply: type[ReplyType]) -> ReplyType | Failed:
    """Return the answer to the only call there is. Raises `WireError`."""
    answer = read_told(frames)
    if not isinstance(answer, CallAnswer):
        raise WireError("message.no_answer", kind=_named(answer.kind))
    content = answer.content
    return content if isinstance(content, Failed) else read_reply(reply, content)


def read_heartbeat(frames: Frames) -> Heartbeat:
    """Return a heartbeat. Raises `WireError`."""
    raw = read_raw(frames)
    if raw.kind != Kind.HEARTBEAT:
        raise WireError("message.no_heartbeat", kind=_named(raw.kind))
    return _read(Heartbeat, dict(raw.fields), raw)


def raw_frames(
    kind: str, fields: Mapping[str, Any], tensors: Sequence[Tensor] = ()
) -> list[bytes | memoryview]:
    """Return the frames of a message.

    Raises `WireError` for a tensor type the protocol does not have, and for text that is no
    Unicode.
    """
    contiguous = [np.asarray(tensor, order="C") for tensor in tensors]
    try:
        shapes = [[CODES[tensor.dtype], list(tensor.shape)] for tensor in contiguous]
    except KeyError as error:
        raise WireError("message.odd_tensor_type", given=f"{error.args[0]}") from None
    try:
        header = msgpack.packb({**fields, "kind": kind, "tensors": shapes})
    except ValueError as error:
        raise WireError("message.unwritable", reason=f"{error}") from None
    return [header, *(tensor.reshape(-1).view(np.uint8).data for tensor in contiguous)]


def read_raw(frames: Sequence[bytes | memoryview]) -> RawMessage:
    """Return the message in the frames; sizes are checked before anything is allocated.

    Raises `WireError` for anything that does not follow the protocol.
    """
    if not frames or len(frames[0]) > MAXIMUM_HEADER_BYTES:
        raise WireError("message.odd_header_size")
    try:
        header = msgpack.unpackb(
            frames[0], max_array_len=MAXIMUM_HEADER_BYTES, max_map_len=MAXIMUM_HEADER_BYTES
        )
    except Exception as error:
        raise WireError("message.no_msgpack") from error
    if not isinstance(header, dict) or not isinstance(header.get("kind"), str):
        raise WireError("message.without_kind")
    shapes = header.pop("tensors", None)
    if not isinstance(shapes, list) or len(shapes) != len(frames) - 1:
        raise WireError("message.other_frames")
    tensors = tuple(_tensor(shape, frame) for shape, frame in zip(shapes, frames[1:], strict=True))
    return RawMessage(header.pop("kind"), header, tensors)


def _tensor(description: object, frame: bytes | memoryview) -> Tensor:
    match description:
        case [str(code), list(shape)] if code in DTYPES and len(shape) <= MAXIMUM_DIMENSIONS:
            pass
        case _:
            raise WireError("message.odd_tensor")
    if not all(type(size) is int and 0 <= size <= MAXIMUM_TENSOR_BYTES for size in shape):
        raise WireError("message.odd_shape")
    dtype = DTYPES[code]
    size_bytes = math.prod(shape) * dtype.itemsize
    if size_bytes > MAXIMUM_TENSOR_BYTES or size_bytes != memoryview(frame).nbytes:
        raise WireError("message.tensor_of_another_size")
    return np.frombuffer(frame, dtype=dtype).reshape(shape)


def _read(message: type[_Known], values: dict[str, Any], raw: RawMessage) -> _Known:
    form = _FORMS[message]
    found = read_fields(form.fields, values)
    if len(raw.tensors) > form.most_tensors:
        raise FieldError("field.too_many", field="tensors", limit=form.most_tensors)
    make = cast("Callable[..., _Known]", message)
    return make(*found, raw.tensors) if form.most_tensors else make(*found)


def _named(kind: str) -> str:
    """Return a kind that a sender gave, as it may be told."""
    return f"{kind!r:.34}"


def _call(value: object) -> int:
    try:
        return cast(int, _CALL.read(value))
    except FieldError as error:
        raise error.inside("call") from None
