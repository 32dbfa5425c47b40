"""A fault on one target, and its text form `KIND:PHONE[@TOKEN][=AMOUNT][%SHARE]`."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.core.errors import BadInputError
from app.core.identifiers import HOST, Serial
from app.faults.kinds import FaultKind
from app.faults.specifications import SPECIFICATIONS, BroughtBy, Specification

__all__ = ["Fault", "FaultKind", "check_fault", "parse_fault"]

_FORM = re.compile(
    r"(?P<kind>[a-z-]+):(?P<phone>[^@=%]+)(?:@(?P<token>\d{1,9}))?"
    r"(?:=(?P<amount>\d+(?:\.\d+)?))?(?:%(?P<share>\d+(?:\.\d+)?))?"
)


@dataclass(frozen=True)
class Fault:
    """One fault on one phone, from the given generated token (1-based) on."""

    kind: FaultKind
    serial: Serial
    token: int = 1
    amount: float | None = None
    """In the unit of its kind's dose; None is what is usual."""
    share: float = 1.0
    """In how many of the steps it shows, above 0."""
    seed: int = 0
    """Draws these steps."""

    def __str__(self) -> str:
        """Return the text form without the phone, as badges show it."""
        amount = "" if self.amount is None else f"={self.amount:g}"
        share = "" if self.share == 1 else f"%{self.share * 100:g}"
        return f"{self.kind.value}@{self.token}{amount}{share}"

    @property
    def specification(self) -> Specification:
        """What its kind is."""
        return SPECIFICATIONS[self.kind]

    @property
    def by_worker(self) -> bool:
        """Whether the phone's own worker shows it, from a token on."""
        return self.specification.by is BroughtBy.WORKER

    @property
    def befalls_phone(self) -> bool:
        """Whether it happens to the phone itself, at once, and not to its worker's answers."""
        return self.specification.by is BroughtBy.VIRTUAL_PHONE

    @property
    def passes(self) -> bool:
        """Whether it is over as soon as it has happened."""
        return not self.specification.lasts

    @property
    def dose(self) -> float:
        """How much of it, in the unit of its kind; 1 where it has none."""
        usual = self.specification.dose.usual if self.specification.dose else 1.0
        return usual if self.amount is None else self.amount


def check_fault(fault: Fault, told: str = "") -> None:
    """Raise `BadInputError` for a dose, a share or a token that its kind cannot have."""
    text, dose = told or str(fault), fault.specification.dose
    if fault.token < 1:
        raise BadInputError("fault.token", fault=text)
    if not fault.by_worker and fault.token != 1:
        raise BadInputError("fault.at_once", fault=text, kind=fault.kind.value)
    if not 0 < fault.share <= 1:
        raise BadInputError("fault.share", fault=text)
    if fault.share < 1 and not fault.specification.in_steps:
        raise BadInputError("fault.no_share", fault=text, kind=fault.kind.value)
    if fault.amount is None:
        return
    if dose is None:
        raise BadInputError("fault.no_amount", fault=text, kind=fault.kind.value)
    if not (math.isfinite(fault.amount) and dose.least <= fault.amount <= dose.most):
        least, most = f"{dose.least:g}", f"{dose.most:g}"
        raise BadInputError("fault.amount", fault=text, least=least, most=most)


def parse_fault(text: str, serials: Sequence[Serial]) -> Fault:
    """Return the fault a specification names; PHONE is a 1-based position, a serial or `host`.

    Raises `BadInputError` with the reason in one line.
    """
    match = _FORM.fullmatch(text)
    kinds = [kind.value for kind in FaultKind]
    if match is None or match["kind"] not in kinds:
        raise BadInputError("fault.form", fault=text, kinds=tuple(kinds))
    kind, token = FaultKind(match["kind"]), int(match["token"] or 1)
    if match["token"] and SPECIFICATIONS[kind].by is not BroughtBy.WORKER:
        raise BadInputError("fault.at_once", fault=text, kind=kind.value)
    amount = float(match["amount"]) if match["amount"] else None
    share = float(match["share"]) / 100 if match["share"] else 1.0
    fault = Fault(kind, _target(kind, match["phone"], serials, text), token, amount, share)
    check_fault(fault, text)
    return fault


def _target(kind: FaultKind, name: str, serials: Sequence[Serial], text: str) -> Serial:
    on_host = SPECIFICATIONS[kind].by is BroughtBy.HOST
    if on_host and name == HOST:
        return HOST
    if not on_host and name in serials:
        return Serial(name)
    if not on_host and name.isdecimal() and 1 <= int(name) <= len(serials):
        return serials[int(name) - 1]
    raise BadInputError("fault.no_such_phone", fault=text, phone=name)
