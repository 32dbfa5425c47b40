"""What options take: each type checks its text, for argparse, and says in words what is wrong."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from app.core.device import MOST_MEMORY_SHARE, KnownPhone, is_memory_share
from app.core.errors import BadInputError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.faults.catalogue import parse_fault
from app.placement.conditions import MOST_CELSIUS, is_most_celsius
from app.rack.options import MAXIMUM_REQUESTS, MAXIMUM_SLOTS
from app.words.sentences import fact_text

Number = TypeVar("Number", int, float)
HIGHEST_PORT = 65535
MAXIMUM_FOUND = 100


def default_home() -> Path:
    """Return where state lies unless told otherwise (XDG base directory specification)."""
    data = os.environ.get("XDG_DATA_HOME", "")
    base = Path(data) if Path(data).is_absolute() else Path.home() / ".local" / "share"
    return base / "shardloom"


def folder(text: str) -> Path:
    """Return a folder, `~` for the home folder."""
    return Path(text).expanduser().absolute()


def _number(kind: Callable[[str], Number], text: str) -> Number:
    try:
        return kind(text)
    except ValueError:
        code = "option.not_a_whole_number" if kind is int else "option.not_a_number"
        raise _refused(Fact(code, text=text)) from None


def whole_number(text: str) -> int:
    """Return a whole number."""
    return _number(int, text)


def positive(kind: Callable[[str], Number]) -> Callable[[str], Number]:
    """Return the type of finite numbers above 0."""

    def convert(text: str) -> Number:
        value = _number(kind, text)
        if not value > 0:
            raise _refused(Fact("option.not_above_zero", text=text))
        if value == math.inf:
            raise _refused(Fact("option.not_finite", text=text))
        return value

    return convert


def seconds(text: str) -> float:
    """Return a time, 0 or more."""
    value = _number(float, text)
    if not 0 <= value < math.inf:
        raise _refused(Fact("option.not_seconds", text=text))
    return value


def alternatives(text: str) -> int:
    """Return how many alternatives to tell."""
    from workers.protocol.sampling_rule import MAXIMUM_ALTERNATIVES  # noqa: PLC0415 - loads numpy

    count = _number(int, text)
    if not 0 <= count <= MAXIMUM_ALTERNATIVES:
        raise _refused(_beyond(text, 0, MAXIMUM_ALTERNATIVES))
    return count


def found_models(text: str) -> int:
    """Return how many models a search may find."""
    value = _number(int, text)
    if not 1 <= value <= MAXIMUM_FOUND:
        raise _refused(_beyond(text, 1, MAXIMUM_FOUND))
    return value


def streams(text: str) -> int:
    """Return how many requests to run at a time."""
    value = _number(int, text)
    if not 1 <= value <= MAXIMUM_REQUESTS:
        raise _refused(_beyond(text, 1, MAXIMUM_REQUESTS))
    return value


def slots(text: str) -> int:
    """Return how many requests to decode at a time."""
    value = _number(int, text)
    if not 1 <= value <= MAXIMUM_SLOTS:
        raise _refused(_beyond(text, 1, MAXIMUM_SLOTS))
    return value


def port(text: str) -> int:
    """Return a TCP port; 0 is any that is free."""
    value = _number(int, text)
    if not 0 <= value <= HIGHEST_PORT:
        raise _refused(_beyond(text, 0, HIGHEST_PORT))
    return value


def probability(text: str) -> float:
    """Return a number above 0 and at most 1."""
    value = _number(float, text)
    if not 0 < value <= 1:
        raise _refused(Fact("option.not_a_probability", text=text))
    return value


def not_negative(text: str) -> int:
    """Return a whole number from 0 on."""
    value = whole_number(text)
    if value < 0:
        raise _refused(Fact("option.below_zero", text=text))
    return value


def share(text: str) -> float:
    """Return a number from 0 to 1."""
    value = _number(float, text)
    if not 0 <= value <= 1:
        raise _refused(Fact("option.not_a_share", text=text))
    return value


def percent(text: str) -> int:
    """Return a whole number from 0 to 100."""
    value = _number(int, text)
    if not 0 <= value <= 100:
        raise _refused(Fact("option.not_a_percentage", text=text))
    return value


def celsius(text: str) -> float:
    """Return degrees that a phone may have and work."""
    value = _number(float, text)
    if not is_most_celsius(value):
        least, most = MOST_CELSIUS
        raise _refused(Fact("option.not_degrees", text=text, least=least, most=most))
    return value


def memory_share(text: str) -> KnownPhone:
    """Return a phone and the share of its memory that layers may take, from `PHONE=SHARE`."""
    phone, _, number = text.rpartition("=")
    value = _number(float, number)
    if not phone or not is_memory_share(value):
        raise _refused(Fact("option.not_a_memory_share", text=text, most=MOST_MEMORY_SHARE))
    return KnownPhone(phone, memory_share=value)


def token_ids(text: str) -> tuple[int, ...]:
    """Return token ids that stand with commas between."""
    try:
        identifiers = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise _refused(Fact("option.not_token_ids", text=text)) from None
    if min(identifiers) < 0:
        raise _refused(Fact("option.negative_token_id"))
    return identifiers


def fault(text: str) -> str:
    """Check a fault's form; whether the rack has that phone is known only once it is open."""
    phone = text.partition(":")[2].partition("@")[0]
    try:
        parse_fault(text, [Serial(phone)])
    except BadInputError as error:
        raise _refused(error.fact) from None
    return text


def _beyond(text: str, least: int, most: int) -> Fact:
    return Fact("option.beyond", text=text, least=least, most=most)


def _refused(fact: Fact) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(fact_text(fact))
