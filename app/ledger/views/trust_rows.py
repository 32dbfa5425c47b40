"""What entries tell of classes, of phones that audit others, and of ways that nothing goes by."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from app.core.facts import Fact
from app.ledger.entry import EntryKind, Fields


def _class_confirmed(fields: Fields) -> Fact:
    return Fact("journal.class_confirmed", name=fields["class"])


def _class_read(fields: Fields) -> Fact:
    code = "journal.class_reproduced" if fields["reproduced"] else "journal.class_unknown"
    return Fact(code, name=fields["class"])


def _verifier_checked(fields: Fields) -> Fact:
    code = "journal.verifier_right" if fields["right"] else "journal.verifier_wrong"
    return Fact(code, stage=fields["stage"], transaction=fields["transaction"])


def _way_distrusted(fields: Fields) -> Fact:
    return Fact("journal.way_distrusted", sender=fields["sender"], receiver=fields["receiver"])


def _canary(fields: Fields) -> Fact:
    told = json.loads(fields["data"])
    claimed_us = told["weight_bytes"] * 1_000_000 // told["claimed_rate"]
    return Fact(
        "journal.canary",
        stage=fields["stage"],
        transaction=fields["transaction"],
        took=told["taken_us"] / max(told["steps"], 1) / 1000,
        claimed=(claimed_us + told["claimed_overhead_us"]) / 1000,
    )


TRUST: Final[Mapping[str, Callable[[Fields], Fact]]] = MappingProxyType(
    {
        EntryKind.CANARY: _canary,
        EntryKind.CLASS_CONFIRMED: _class_confirmed,
        EntryKind.CLASS_READ: _class_read,
        EntryKind.VERIFIER_CHECKED: _verifier_checked,
        EntryKind.WAY_DISTRUSTED: _way_distrusted,
        EntryKind.WAYS_TRUSTED: lambda _fields: Fact("journal.ways_trusted"),
    }
)
