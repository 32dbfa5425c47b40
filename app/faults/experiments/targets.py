"""Which phones a planned fault strikes, counted before anything is done."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.core.errors import BadInputError
from app.core.identifiers import HOST, Serial
from app.faults.catalogue import Fault
from app.faults.experiments.plan import Experiment, PlannedFault
from app.faults.kinds import FaultKind
from app.faults.specifications import SPECIFICATIONS, Where

_FORM: Final = re.compile(
    r"(?:phone:(?P<phone>[1-9]\d{0,3}))|(?:serial:(?P<serial>\S{1,200}))"
    r"|(?:stage:(?P<stage>first|middle|last|[1-9]\d{0,3}))"
    r"|(?:share:(?P<share>0\.\d{1,4}|1(?:\.0)?))|(?P<all>all)|(?P<host>host)"
)


@dataclass(frozen=True)
class Candidate:
    """A phone that a fault may strike."""

    serial: Serial
    position: int
    """1-based place in the rack."""
    stage: int | None
    """Its place in the ring, from 0; None where it holds no layers."""


@dataclass(frozen=True)
class Strike:
    """One fault on one phone, and when."""

    fault: Fault
    after_s: float


def check_target(target: str, kind: FaultKind) -> None:
    """Raise `BadInputError` for a target that is none, or not one of this kind."""
    match = _FORM.fullmatch(target)
    on_host = SPECIFICATIONS[kind].where is Where.HOST
    if match is None or on_host != bool(match["host"]):
        raise BadInputError("experiment.target", target=target)


def strikes_of(
    experiment: Experiment, candidates: Sequence[Candidate], round_number: int = 1
) -> tuple[Strike, ...]:
    """Return every fault on every phone that an experiment strikes in a round.

    Raises `BadInputError` where there is no such phone, or two faults would be on one.
    """
    strikes: list[Strike] = []
    for number, planned in enumerate(experiment.faults):
        seed = (experiment.seed * 1_000 + round_number * 64 + number) % 2**32
        for serial in _serials(planned, candidates, seed):
            if serial != HOST and any(each.fault.serial == serial for each in strikes):
                raise BadInputError("experiment.struck_twice", phone=serial)
            fault = Fault(planned.kind, serial, planned.token, planned.amount, planned.share, seed)
            strikes.append(Strike(fault, planned.after_s))
    return tuple(strikes)


def _serials(
    planned: PlannedFault, candidates: Sequence[Candidate], seed: int
) -> tuple[Serial, ...]:
    check_target(planned.target, planned.kind)
    match = _FORM.fullmatch(planned.target)
    ring = sorted(
        (each for each in candidates if each.stage is not None), key=lambda each: each.stage or 0
    )
    chosen: Sequence[Candidate] = ()
    if match is None or match["host"]:
        return (HOST,)
    if match["phone"]:
        chosen = [each for each in candidates if each.position == int(match["phone"])]
    elif match["serial"]:
        chosen = [each for each in candidates if each.serial == match["serial"]]
    elif match["stage"]:
        chosen = _stage(match["stage"], ring)
    elif match["all"]:
        chosen = ring
    elif match["share"] and ring:
        count = max(math.floor(float(match["share"]) * len(ring)), 1)
        chosen = random.Random(seed).sample(ring, count)  # noqa: S311 - to be repeated
    if not chosen:
        raise BadInputError("experiment.no_target", target=planned.target)
    return tuple(each.serial for each in chosen)


def _stage(name: str, ring: Sequence[Candidate]) -> Sequence[Candidate]:
    if name == "first":
        return ring[:1]
    if name == "last":
        return ring[-1:]
    if name == "middle":
        inner = ring[1:-1]
        return inner[len(inner) // 2 :][:1]
    return ring[int(name) - 1 : int(name)]
