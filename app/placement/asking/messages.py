"""What rack and planning process say to each other, over the process's own two pipes.

Both ends are this program, and nobody else holds a pipe's end, so that pickles may be read.
"""

from __future__ import annotations

import pickle
import struct
from dataclasses import dataclass, replace
from typing import IO, Final

from app.core.errors import ShardloomError
from app.placement.asking.question import PlannerQuestion
from app.placement.costs.links import LinkMatrix
from app.placement.problem import Plan

_LENGTH: Final = struct.Struct(">Q")


@dataclass(frozen=True)
class QuestionAsked:
    """A question; answers to it bear its number."""

    number: int
    question: PlannerQuestion


@dataclass(frozen=True)
class Hurry:
    """Answer that question with the best so far."""

    number: int


@dataclass(frozen=True)
class Answered:
    """A plan, or the error that a planner raises; `last` where nothing follows."""

    number: int
    outcome: Plan | ShardloomError
    last: bool


@dataclass(frozen=True)
class Surprised:
    """The search met a bug of ours, with its trace."""

    number: int
    trace: str


Message = QuestionAsked | Hurry | Answered | Surprised


def packed(message: Message) -> bytes:
    """Return a message as it goes over a pipe: its length, then itself."""
    if isinstance(message, QuestionAsked):
        problem = message.question.problem
        problem = replace(problem, links=LinkMatrix.of(problem.links))
        message = replace(message, question=replace(message.question, problem=problem))
    content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(content)) + content


def read_message(pipe: IO[bytes]) -> Message | None:
    """Return the next message; None at the pipe's end, within a message too."""
    length = _exactly(pipe, _LENGTH.size)
    content = _exactly(pipe, *_LENGTH.unpack(length)) if length else None
    if content is None:
        return None
    message: Message = pickle.loads(content)  # noqa: S301 - of our own process
    return message


def _exactly(pipe: IO[bytes], size: int) -> bytes | None:
    content = bytearray()
    while len(content) < size:
        more = pipe.read(size - len(content))
        if not more:
            return None
        content += more
    return bytes(content)
