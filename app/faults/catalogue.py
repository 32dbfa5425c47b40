"""Faults a tester may inject, and the text form `KIND:PHONE[@TOKEN]`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from app.core.errors import BadInputError
from app.core.identifiers import Serial

_FORM = re.compile(r"(?P<kind>[a-z-]+):(?P<phone>[^@]+)(?:@(?P<token>\d+))?")


class FaultKind(StrEnum):
    """What a phone is made to do wrong."""

    WRONG_OUTPUT = "wrong-output"
    SLOW = "slow"
    CRASH = "crash"
    HANG = "hang"
    WITHHELD_RECEIPT = "withheld-receipt"
    ADBD_RESTART = "adbd-restart"
    UNPLUG = "unplug"
    OVERHEAT = "overheat"
    TAKEN = "taken"

    @property
    def befalls_phone(self) -> bool:
        """Whether it happens to the phone itself, at once, and not to its worker's answers."""
        match self:
            case FaultKind.ADBD_RESTART | FaultKind.UNPLUG | FaultKind.OVERHEAT | FaultKind.TAKEN:
                return True
            case (
                FaultKind.WRONG_OUTPUT
                | FaultKind.SLOW
                | FaultKind.CRASH
                | FaultKind.HANG
                | FaultKind.WITHHELD_RECEIPT
            ):
                return False
            case _:
                assert_never(self)

    @property
    def passes(self) -> bool:
        """Whether it is over as soon as it has happened."""
        return self is FaultKind.ADBD_RESTART


@dataclass(frozen=True)
class Fault:
    """One fault on one phone, from the given generated token (1-based) on."""

    kind: FaultKind
    serial: Serial
    token: int = 1
    factor: float = 4.0
    """How many times slower, for `slow`."""

    def __str__(self) -> str:
        """Return the text form without the phone, as badges show it."""
        return f"{self.kind.value}@{self.token}"


def parse_fault(text: str, serials: Sequence[Serial]) -> Fault:
    """Return the fault a specification names; PHONE is a 1-based position or a serial.

    Raises `BadInputError` with the reason in one line.
    """
    match = _FORM.fullmatch(text)
    kinds = [kind.value for kind in FaultKind]
    if match is None or match["kind"] not in kinds:
        raise BadInputError("fault.form", fault=text, kinds=tuple(kinds))
    token = int(match["token"] or 1)
    if token < 1:
        raise BadInputError("fault.token", fault=text)
    kind = FaultKind(match["kind"])
    if kind.befalls_phone and match["token"]:
        raise BadInputError("fault.at_once", fault=text, kind=kind.value)
    return Fault(kind, _phone(match["phone"], serials, text), token)


def _phone(name: str, serials: Sequence[Serial], text: str) -> Serial:
    if name in serials:
        return Serial(name)
    if name.isdecimal() and 1 <= int(name) <= len(serials):
        return serials[int(name) - 1]
    raise BadInputError("fault.no_such_phone", fault=text, phone=name)
