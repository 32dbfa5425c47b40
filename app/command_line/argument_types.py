"""What options take: each function checks a text, for argparse. Nothing heavy is imported."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from app.core.errors import BadInputError
from app.core.identifiers import Serial
from app.faults.catalogue import parse_fault
from app.rack.options import MAXIMUM_REQUESTS, MAXIMUM_SLOTS
from app.words.sentences import error_text

Number = TypeVar("Number", int, float)
HIGHEST_PORT = 65535


def folder(text: str) -> Path:
    """Return an absolute folder."""
    return Path(text).expanduser().absolute()


def number(kind: Callable[[str], Number], text: str) -> Number:
    """Return a number of a kind."""
    try:
        return kind(text)
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}") from None


def whole_number(text: str) -> int:
    """Return a whole number."""
    return number(int, text)


def positive(kind: Callable[[str], Number]) -> Callable[[str], Number]:
    """Return what takes a finite number above 0."""

    def convert(text: str) -> Number:
        value = number(kind, text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        if value == math.inf:
            raise argparse.ArgumentTypeError(f"{text} is not finite")
        return value

    return convert


def alternatives(text: str) -> int:
    """Return how many alternatives to tell."""
    from workers.protocol.sampling_rule import MAXIMUM_ALTERNATIVES  # noqa: PLC0415 - loads numpy

    count = number(int, text)
    if not 0 <= count <= MAXIMUM_ALTERNATIVES:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to {MAXIMUM_ALTERNATIVES}")
    return count


def streams(text: str) -> int:
    """Return how many requests to start."""
    value = number(int, text)
    if not 1 <= value <= MAXIMUM_REQUESTS:
        raise argparse.ArgumentTypeError(f"{text} is not from 1 to {MAXIMUM_REQUESTS}")
    return value


def slots(text: str) -> int:
    """Return how many requests to decode at once."""
    value = number(int, text)
    if not 1 <= value <= MAXIMUM_SLOTS:
        raise argparse.ArgumentTypeError(f"{text} is not from 1 to {MAXIMUM_SLOTS}")
    return value


def port(text: str) -> int:
    """Return a TCP port; 0 is any."""
    value = number(int, text)
    if not 0 <= value <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to {HIGHEST_PORT}")
    return value


def probability(text: str) -> float:
    """Return a number above 0 and at most 1."""
    value = number(float, text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 1")
    return value


def token_ids(text: str) -> tuple[int, ...]:
    """Return ids from a list like 1,2,3."""
    try:
        identifiers = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list like 1,2,3") from None
    if min(identifiers) < 0:
        raise argparse.ArgumentTypeError("token ids are not negative")
    return identifiers


def fault(text: str) -> str:
    """Check a fault's form; whether the rack has that phone is known only once it is open."""
    phone = text.partition(":")[2].partition("@")[0]
    try:
        parse_fault(text, [Serial(phone)])
    except BadInputError as error:
        raise argparse.ArgumentTypeError(error_text(error)) from None
    return text
