"""Facts and errors as sentences: one table a room, all of them joined here."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, Protocol

from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.words.catalogue import Message, ntr, tr
from app.words.sentences import (
    command_line,
    core,
    devices,
    doctor,
    gateway,
    ledger,
    models,
    pipeline,
    placement,
    proof,
    rack,
    stages,
    virtual,
    window,
    workers,
)
from app.words.sentences.fields import fill_in
from app.words.sentences.plural import Plural
from app.words.states import together


class Room(Protocol):
    """What the module of each room has."""

    @property
    def SENTENCES(self) -> Mapping[str, Message | Plural]:  # noqa: N802 - a constant there
        """What is said of each code."""
        ...

    @property
    def ADVICE(self) -> Mapping[str, Message]:  # noqa: N802 - a constant there
        """What helps."""
        ...


def rooms() -> tuple[Room, ...]:
    """Return the tables of all rooms."""
    return (
        core,
        *models.TABLES,
        *devices.TABLES,
        virtual,
        placement,
        pipeline,
        proof,
        stages,
        *ledger.TABLES,
        *rack.TABLES,
        gateway,
        doctor,
        *command_line.TABLES,
        workers,
        window,
    )


SENTENCES: Final[Mapping[str, Message | Plural]] = MappingProxyType(
    ChainMap(*(dict(room.SENTENCES) for room in rooms()))
)
"""What is said of each code; the fields in braces are those of the fact."""
ADVICE: Final[Mapping[str, Message]] = MappingProxyType(
    ChainMap(*(dict(room.ADVICE) for room in rooms()))
)
"""What helps, where that is not plain from what is the matter; a sentence of its own."""


def sentence(fact: Fact) -> str:
    """Return what is the matter or what happened, in the language in force.

    A code without a sentence is returned as developers read it: better than nothing.
    """
    words = SENTENCES.get(fact.code)
    if words is None:
        return str(fact)
    fields = dict(fact.fields)
    if isinstance(words, Plural):
        count = fields[words.by]
        template = ntr(words.one, words.many, count if isinstance(count, int) else 0)
    else:
        template = tr(words)
    return fill_in(template, fields, sentence, fact_text)


def advice(fact: Fact) -> str:
    """Return what a person can do about it, or about its reason; empty where nothing is known."""
    words = ADVICE.get(fact.code)
    if words:
        return fill_in(tr(words), dict(fact.fields), sentence, fact_text)
    reasons = (value for _, value in fact.fields if isinstance(value, Fact))
    return next(filter(None, map(advice, reasons)), "")


def fact_text(fact: Fact) -> str:
    """Return the sentence and, behind it, the advice."""
    return together(sentence(fact), advice(fact))


def facts_text(facts: Iterable[Fact]) -> str:
    """Return several, one after the other."""
    return together(*map(fact_text, facts))


def reason_text(reason: Fact | None) -> str:
    """Return why, empty where there is nothing to say."""
    return fact_text(reason) if reason else ""


def error_text(error: ShardloomError) -> str:
    """Return the line that people read of an error."""
    return fact_text(error.fact)
