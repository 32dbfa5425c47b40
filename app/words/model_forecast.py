"""What a model will need once it is imported, and whether a rack can hold it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

from app.core.units import format_bytes, format_rate
from app.placement.costs.footprint import RUNTIME_BYTES
from app.placement.problem import Plan
from app.rack.compared_plans import Foresight
from app.words.catalogue import ntr, tr
from app.words.sentences import fact_text
from app.words.states import together


def need_text(name: str, chosen: str, needed_bytes: Mapping[str, int]) -> str:
    """Return how much memory the chosen form needs, and each other one."""
    others = ", ".join(
        tr("{form} {size}").format(form=form, size=format_bytes(size))
        for form, size in needed_bytes.items()
        if form != chosen
    )
    words = tr(
        "{model} as {form} needs {size} on one phone, {more} on each further one beside its part"
        " ({others})."
    )
    return words.format(
        model=name,
        form=chosen,
        size=format_bytes(needed_bytes[chosen]),
        more=format_bytes(RUNTIME_BYTES),
        others=others,
    )


def download_text(missing_bytes: int) -> str:
    """Return how much is to be downloaded first."""
    return tr("To be downloaded: {size}.").format(size=format_bytes(missing_bytes))


def unforeseen_text(architecture: str) -> str:
    """Return that a model's need is not known beforehand."""
    words = tr("What {architecture} needs is known only after its export.")
    return words.format(architecture=architecture)


def foresight_text(rack: str, foresights: Sequence[Foresight]) -> str:
    """Return whether the first of the forms fits the rack, and what the others would do."""
    chosen, *others = foresights
    parts = [_standing(rack, chosen)]
    parts += [_alternative(other) for other in others]
    return reduce(together, filter(None, parts))


def _standing(rack: str, foresight: Foresight) -> str:
    if foresight.plan is None:
        why = fact_text(foresight.reason) if foresight.reason else ""
        return together(tr("It does not fit {rack}.").format(rack=rack), why)
    return tr("It fits {rack}: {plan}.").format(rack=rack, plan=_plan_text(foresight.plan))


def _alternative(foresight: Foresight) -> str:
    if foresight.plan is None:
        return ""
    words = tr("{form} would fit: {plan}.")
    return words.format(form=foresight.model.quantization, plan=_plan_text(foresight.plan))


def _plan_text(plan: Plan) -> str:
    prediction = plan.prediction
    phones = len(plan.assignment.stages)
    needed = sum(stage.needed_bytes for stage in prediction.stages)
    words = ntr(
        "{count} phone, {rate} predicted, needs {size}",
        "{count} phones, {rate} predicted, needs {size}",
        phones,
    )
    rate = format_rate(prediction.tokens_per_second, prediction.rate_unit)
    text = words.format(count=phones, rate=rate, size=format_bytes(needed))
    if prediction.room_tokens is None:
        return text
    room = tr("{plan}, memory for {tokens} tokens of text")
    return room.format(plan=text, tokens=f"{prediction.room_tokens:,}")
