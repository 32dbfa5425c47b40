"""Errors a person can act on: a code and fields, made a line by `app.words.sentences`.

Anything else is a bug of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from app.core.facts import Fact, FieldValue
from workers.errors import ReportedError
from workers.protocol.reasons import REASONS, printable

_SYSTEM_NUMBER: Final = re.compile(r"^\[Errno -?\d+\] ")
"""What a library leaves in front of the words that it took from the system."""


class ShardloomError(Exception):
    """Base of every expected failure; `fact` is what is the matter.

    `str(error)` is for logs; `app.words.sentences.error_text` makes the line that people read.
    """

    def __init__(self, what: str | Fact, /, **fields: FieldValue) -> None:
        """Take a code with its fields, or a fact that has them already."""
        self.fact = what if isinstance(what, Fact) else Fact(what, **fields)
        super().__init__(self.fact)


class BadInputError(ShardloomError):
    """Something given from outside (file, argument, key) cannot be used as it is."""


class PhoneLostError(ShardloomError):
    """A phone stopped answering while it was needed."""


class PhoneUnauthorizedError(ShardloomError):
    """The phone has not accepted this computer's key."""


class HashMismatchError(ShardloomError):
    """Bytes that landed are not the bytes that were sent."""


class DoesNotFitError(ShardloomError):
    """No assignment fits the rack; says what is missing."""

    def __init__(
        self, what: str | Fact, /, *, missing_bytes: int = 0, **fields: FieldValue
    ) -> None:
        super().__init__(what, **fields)
        self.missing_bytes = missing_bytes


class WorkerError(ShardloomError):
    """A worker answered a command with a failure."""


class LedgerError(ShardloomError):
    """The ledger refused an operation or cannot be opened."""


def reason_of(error: BaseException) -> Fact | str:
    """Return what went wrong, to be a field of another fact.

    It is a fact where the error is one of ours, else the words of the system or library, without
    the number that the system gives it.
    """
    if isinstance(error, ShardloomError):
        return error.fact
    if isinstance(error, ReportedError):
        return reason_told(error.reason, error.fields)
    told = error.strerror if isinstance(error, OSError) else None
    return told or _SYSTEM_NUMBER.sub("", str(error))


def reason_told(reason: str, fields: Iterable[tuple[str, str]]) -> Fact | str:
    """Return what a worker says of why it does not go on.

    A code or fields that we do not know are the phone's own words.
    """
    values = {name: printable(value) for name, value in fields}
    known = REASONS.get(reason)
    if known is None or values.keys() != set(known):
        return printable(reason)
    return Fact(reason, **values)
