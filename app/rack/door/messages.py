"""What is said at the door: frames of msgpack, each with its length before it.

The door begins with a `Welcome`. After that a program calls, with numbers of its own, and each call
has one answer: `[number, "done", value]` or `[number, "failed", class, fact]`. Nothing is sent
that was not asked for, so that who reads slowly is sent little.

| call | value |
| --- | --- |
| `[n, "do", name, command]` | its result, and the rack after it |
| `[n, "look", seen]` | how the rack looks, once that is newer than what was `seen` |
| `[n, "read", request, after]` | the request's events after a sequence, once there are any |
| `[n, "models"]` | the imported models |
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import msgpack

from app.core.errors import (
    BadInputError,
    DoesNotFitError,
    LedgerError,
    PhoneLostError,
    PhoneUnauthorizedError,
    ShardloomError,
    WorkerError,
)
from app.core.facts import Fact
from app.core.identifiers import RequestId
from app.core.standard.rules import Conformance
from app.ledger.views.discrepancy_rows import Discrepancies
from app.pipeline.opening_stages.lookup import LookupMode
from app.placement.rebalancing.setting import Balancing
from app.rack.commands import (
    Apply,
    Ask,
    Cancel,
    ClearFault,
    Compare,
    CompareReceipts,
    Examine,
    Foresee,
    Inject,
    MeasureLinks,
    Release,
    Replan,
    StartExperiment,
    StopExperiment,
    UseModel,
)
from app.rack.commands.command import Command
from app.rack.compared_plans import Foresight, PlanComparison
from app.rack.events.values import UnreadableError, read_as, write_as
from workers.protocol.boundary import Boundary

MOST_CALL_BYTES: Final = 64 << 20
"""Of what a program sends; the longest conversation with its pictures is shorter."""
MOST_ANSWER_BYTES: Final = 256 << 20
HEAD: Final = struct.Struct(">I")
COMMANDS: Final[Mapping[str, type[Command[Any]]]] = {
    each.__name__: each
    for each in (
        Apply,
        Ask,
        Cancel,
        ClearFault,
        Compare,
        CompareReceipts,
        Examine,
        Foresee,
        Inject,
        MeasureLinks,
        Release,
        Replan,
        StartExperiment,
        StopExperiment,
        UseModel,
    )
}
"""What may be asked for at the door: what the terminal does with a rack."""
_ERRORS: Final[Mapping[str, type[ShardloomError]]] = {
    each.__name__: each
    for each in (
        BadInputError,
        DoesNotFitError,
        LedgerError,
        PhoneLostError,
        PhoneUnauthorizedError,
        WorkerError,
    )
}


class Verb(StrEnum):
    """What a call asks for."""

    DO = "do"
    LOOK = "look"
    READ = "read"
    MODELS = "models"


@dataclass(frozen=True)
class Welcome:
    """Which Shardloom this is, and how its rack was opened."""

    version: str
    rack: str | None
    context_tokens: int
    boundary: Boundary
    slots: int
    balancing: Balancing | None
    pause_limit_s: float | None
    lookup: LookupMode | None


def frame(message: object, most: int) -> bytes:
    """Return a message as it is sent. Raises `UnreadableError` for one that is too long."""
    body: bytes = msgpack.packb(message)
    if len(body) > most:
        raise UnreadableError("length")
    return HEAD.pack(len(body)) + body


def length_of(head: bytes, most: int) -> int:
    """Return how long a message is. Raises `UnreadableError` for one that is too long."""
    (length,) = HEAD.unpack(head)
    if length > most:
        raise UnreadableError("length")
    return int(length)


def unpacked(body: bytes) -> object:
    """Return what a frame holds. Raises `UnreadableError`."""
    try:
        content: object = msgpack.unpackb(body)
    except (ValueError, RecursionError, msgpack.exceptions.UnpackException) as error:
        raise UnreadableError(str(error)) from None
    return content


def message_of(body: bytes) -> list[Any]:
    """Return what was sent. Raises `UnreadableError` for what is no list behind a number."""
    message = unpacked(body)
    if not isinstance(message, list) or not message or type(message[0]) is not int:
        raise UnreadableError("message")
    return message


def write_command(command: Command[Any]) -> list[object]:
    """Return a command by its name. Raises `TypeError` for one that nobody may ask for here."""
    name = type(command).__name__
    if COMMANDS.get(name) is not type(command):
        raise TypeError(name)
    return [name, write_as(type(command), command)]


def read_command(name: object, given: object) -> Command[Any]:
    """Return the command that was asked for. Raises `UnreadableError`."""
    if not isinstance(name, str) or name not in COMMANDS:
        raise UnreadableError("command")
    return read_as(COMMANDS[name], given)


def result_type(command: type[Command[Any]]) -> Any:  # noqa: ANN401 - a type of any make
    """Return the type of a command's result."""
    if command is Ask:
        return RequestId
    if command is StartExperiment:
        return str
    if command is Compare:
        return tuple[PlanComparison, ...]
    if command is CompareReceipts:
        return Discrepancies
    if command is Examine:
        return Conformance
    if command is Foresee:
        return tuple[Foresight, ...]
    return type(None)


def write_error(error: ShardloomError) -> list[object]:
    """Return an error as its class and its fact."""
    return [type(error).__name__, write_as(Fact, error.fact)]


def read_error(kind: object, fact: object) -> ShardloomError:
    """Return the error; of an unknown class the plainest. Raises `UnreadableError`."""
    return _ERRORS.get(str(kind), ShardloomError)(read_as(Fact, fact))
