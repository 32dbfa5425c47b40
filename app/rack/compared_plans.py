"""Plans beside each other, as front ends are told of them: what they promise, how they stand."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.core.facts import Fact
from app.core.model import ModelManifest
from app.placement.problem import Plan


class Standing(StrEnum):
    """What may be said of a plan beside others; what is proven is so among plans of that kind."""

    NONE = ""
    PROVEN = "proven"
    PROVEN_OF_ALL_PHONES = "proven-of-all-phones"
    PROVEN_WITH_PINS = "proven-with-pins"
    PROVEN_OF_ALL_PHONES_WITH_PINS = "proven-of-all-phones-with-pins"
    PROVEN_WITH_CONDITIONS = "proven-with-conditions"
    NOT_PROVEN = "not-proven"
    TOO_SLOW = "too-slow"
    LEAVES_PHONES_OUT = "leaves-phones-out"
    BREAKS_PINS = "breaks-pins"
    BREAKS_CONDITIONS = "breaks-conditions"


@dataclass(frozen=True)
class PlanComparison:
    """One way of placing the model; `reason` tells why there is no plan."""

    name: str
    plan: Plan | None
    reason: Fact | None
    solve_s: float
    standing: Standing = Standing.NONE

    @property
    def permitted(self) -> bool:
        """Whether it is a plan that fits and keeps all that is asked of it."""
        outside = {
            Standing.LEAVES_PHONES_OUT,
            Standing.BREAKS_PINS,
            Standing.BREAKS_CONDITIONS,
        }
        return self.plan is not None and self.plan.prediction.fits and self.standing not in outside


@dataclass(frozen=True)
class Foresight:
    """How a model that is not imported yet would be placed, or why it cannot be."""

    model: ModelManifest
    plan: Plan | None
    reason: Fact | None = None


def plan_standing(made: Plan) -> Standing:
    """Return what may be said of a plan that keeps to its problem."""
    if made.too_slow:
        return Standing.TOO_SLOW
    if not made.proven_optimal:
        return Standing.NOT_PROVEN
    if made.keeps_conditions:
        return Standing.PROVEN_WITH_CONDITIONS
    return {
        (False, False): Standing.PROVEN,
        (True, False): Standing.PROVEN_OF_ALL_PHONES,
        (False, True): Standing.PROVEN_WITH_PINS,
        (True, True): Standing.PROVEN_OF_ALL_PHONES_WITH_PINS,
    }[made.uses_all, made.keeps_pins]
