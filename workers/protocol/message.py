"""What every message is: a frozen dataclass with a kind, whose fields say their own bounds.

A class names its kind where it is declared: `class Open(WorkerCommand[Done], kind=Kind.OPEN)`. A
command names what it is answered with in the same place. A message that brings tensors has a
last field `tensors`, whose bound says how many at most.
"""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar, cast, get_args

from workers.protocol.wire import Kind


class Message:
    """Something that one end says to the other."""

    kind: ClassVar[str]

    def __init_subclass__(cls, kind: str = "", **rest: object) -> None:
        """Note the kind."""
        super().__init_subclass__(**rest)
        if kind:
            cls.kind = kind


class Reply(Message, kind=Kind.DONE):
    """What a command is answered with where it was carried out."""


ReplyType = TypeVar("ReplyType", bound=Reply)


class WorkerCommand(Message, Generic[ReplyType]):
    """What the host asks of a worker."""

    reply: ClassVar[type[Reply]]

    def __init_subclass__(cls, kind: str = "", **rest: object) -> None:
        """Note the kind and what it is answered with."""
        super().__init_subclass__(kind, **rest)
        (base,) = cls.__orig_bases__  # type: ignore[attr-defined]
        (cls.reply,) = get_args(base)


def reply_to(command: WorkerCommand[ReplyType]) -> type[ReplyType]:
    """Return what a command is answered with."""
    return cast("type[ReplyType]", command.reply)
