"""`shardloom plan`: which phone would run which layers, and what that promises."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from app.command_line.options import rack_options
from app.command_line.output.naming import phone_name
from app.command_line.output.progress import shown_progress
from app.command_line.output.run_report import assignment_rows, assignment_text
from app.command_line.output.terminal import print_fact, print_json, print_table, right, translated
from app.command_line.rack_session import READY_TIMEOUT_S, found_rack, tell_left_out
from app.core.device import USUAL_WATTS
from app.core.errors import BadInputError, ShardloomError
from app.core.facts import Fact
from app.core.identifiers import HOST, Serial
from app.core.units import format_bytes, format_duration, format_rate
from app.placement.problem import Objective, Plan, Prediction, StagePrediction
from app.rack.commands import Compare
from app.rack.compared_plans import PlanComparison, plan_standing
from app.rack.snapshot import Phase, PhoneSnapshot, RackSnapshot
from app.words.catalogue import message, tr
from app.words.layer_map import span_text, standing_text
from app.words.sentences import reason_text, sentence

COMPARE_TIMEOUT_S = 60.0
COMPARED: Final = (
    message("method"),
    message("assignment"),
    right(message("with streams")),
    message("memory"),
    message("standing"),
    right(message("solved in")),
)
HEADINGS: Final = (
    message("phone"),
    message("layers"),
    right(message("compute")),
    right(message("hop")),
    message("way on"),
    right(message("needs")),
    right(message("headroom")),
    right(message("to push")),
)


def execute(arguments: argparse.Namespace) -> int:
    """Open the rack until the planner has answered and show the answer."""
    with found_rack(rack_options(arguments)) as session, shown_progress(session):
        snapshot = session.wait_until(_has_answered, READY_TIMEOUT_S)
        if session.shared and snapshot.model and snapshot.model.name != arguments.model:
            other = {"running": snapshot.model.name, "model": arguments.model}
            raise BadInputError("door.other_model", **other)
        tell_left_out(snapshot)
        compared = session.control.do(Compare()) if arguments.compare else None
        others = compared.result(COMPARE_TIMEOUT_S) if compared else ()
    if snapshot.plan is None:
        raise ShardloomError("plan.no_answer")
    if arguments.json:
        print_json(_report(snapshot, snapshot.plan, others))
    else:
        _print(snapshot, snapshot.plan)
        if others:
            print_table(_headings(snapshot.plan), [_compared(snapshot, other) for other in others])
    return 0


def _has_answered(rack: RackSnapshot) -> bool:
    """Tell whether the planner's last answer is there: a first one comes while a rack starts."""
    if rack.plan is None:
        return False
    return rack.plan.proven_optimal or rack.phase is not Phase.STARTING


def _headings(plan: Plan) -> list[str]:
    before, *behind = translated(COMPARED[:2]), *translated(COMPARED[2:])
    return [*before, right(_one(plan.prediction)), *behind]


def _compared(snapshot: RackSnapshot, other: PlanComparison) -> list[str]:
    solved = format_duration(other.solve_s)
    if other.plan is None:
        return [other.name, reason_text(other.reason), "", "", "", "", solved]
    prediction = other.plan.prediction
    return [
        other.name,
        assignment_text(snapshot, other.plan.assignment),
        format_duration(prediction.token_latency_s),
        _rate(prediction, prediction.streams_tokens_per_second),
        tr("fits") if prediction.fits else tr("does not fit"),
        standing_text(other.standing),
        solved,
    ]


def _report(
    snapshot: RackSnapshot, plan: Plan, others: Sequence[PlanComparison]
) -> dict[str, object]:
    report: dict[str, object] = {
        "model": plan.assignment.model,
        "rack": snapshot.rack_name,
        "objective": snapshot.objective.value,
        **plan_report(plan),
        "left_out": left_out(snapshot.phones, plan),
        "baseline": plan_report(plan.baseline) if plan.baseline else None,
    }
    if others:
        report["compared"] = [_comparison_report(other) for other in others]
    return report


def _comparison_report(other: PlanComparison) -> dict[str, object]:
    return {
        "name": other.name,
        "solve_ms": other.solve_s * 1000,
        "reason": reason_text(other.reason),
        "code": other.reason and other.reason.code,
        "standing": other.standing.value,
        "plan": plan_report(other.plan) if other.plan else None,
    }


def plan_report(plan: Plan) -> dict[str, object]:
    """Return a plan ready for JSON, without its baseline."""
    prediction = plan.prediction
    return {
        "method": plan.method.value,
        "proven_optimal": plan.proven_optimal,
        "uses_all_phones": plan.uses_all,
        "keeps_pins": plan.keeps_pins,
        "keeps_conditions": plan.keeps_conditions,
        "too_slow": plan.too_slow,
        "assignment": assignment_rows(plan.assignment),
        "predicted": {
            "token_latency_ms": prediction.token_latency_s * 1000,
            "tokens_per_second": prediction.tokens_per_second,
            "streams": prediction.streams,
            "streams_tokens_per_second": prediction.streams_tokens_per_second,
            "saturated_tokens_per_second": prediction.saturated_tokens_per_second,
            "energy_joules_per_token": prediction.energy_joules_per_token,
            "energy_measured": prediction.is_energy_measured,
            "price_micro_credits_per_token": prediction.price_per_token,
            "push_bytes": prediction.push_bytes,
            "room_tokens": prediction.room_tokens,
            "fits": prediction.fits,
            "closed": prediction.closed,
        },
        "stages": [_stage_report(stage) for stage in prediction.stages],
    }


def _stage_report(stage: StagePrediction) -> dict[str, object]:
    return {
        "serial": stage.serial,
        "compute_ms": stage.compute_s * 1000,
        "hop_ms": stage.hop_s * 1000,
        "energy_joules": stage.joules,
        "drain_measured": stage.is_drain_measured,
        "needed_bytes": stage.needed_bytes,
        "headroom_bytes": stage.headroom_bytes,
        "push_bytes": stage.push_bytes,
        "room_tokens": stage.room_tokens,
    }


def _print(snapshot: RackSnapshot, plan: Plan) -> None:
    title = Fact(
        "plan.title",
        model=plan.assignment.model,
        rack=snapshot.rack_name,
        objective=snapshot.objective.value,
    )
    print_table(translated(HEADINGS), _rows(snapshot, plan), title=sentence(title))
    standing = standing_text(plan_standing(plan))
    print_fact(Fact("plan.method", method=plan.method.value, standing=standing))
    print_fact(Fact("plan.predicted", figures=figures(plan.prediction)))
    if plan.prediction.room_tokens is not None:
        print_fact(_room(plan.prediction, snapshot.context_tokens))
    print_fact(_drain(snapshot, plan.prediction))
    if snapshot.objective is Objective.PRICE:
        price = round(plan.prediction.price_per_token)
        print_fact(Fact("plan.too_slow" if plan.too_slow else "plan.price", price=price))
    print_fact(_alone(snapshot, plan.baseline))
    others = len(left_out(snapshot.phones, plan))
    if others:
        print_fact(Fact("plan.left_out", count=others))


def left_out(phones: Iterable[PhoneSnapshot], plan: Plan) -> list[Serial]:
    """Return the phones that are ready and hold no layers by the plan."""
    ready = (phone.serial for phone in phones if phone.usable)
    return [serial for serial in ready if serial not in plan.assignment.serials]


def _room(prediction: Prediction, context_tokens: int) -> Fact:
    """Return how long texts may be in the memory that the phones have."""
    tokens = prediction.room_tokens or 0
    return Fact(
        "plan.room",
        tokens=tokens,
        streams=prediction.streams,
        each=tokens // prediction.streams,
        context=context_tokens,
    )


def _drain(snapshot: RackSnapshot, prediction: Prediction) -> Fact:
    """Return whether the energy was measured, or of which phones it was not."""
    untold = [each.serial for each in prediction.stages if not each.is_drain_measured]
    if not untold:
        return Fact("plan.drain_measured")
    names = tuple(phone_name(snapshot, serial) for serial in untold)
    return Fact("plan.drain_predicted", phones=names, watts=USUAL_WATTS)


def _alone(snapshot: RackSnapshot, baseline: Plan | None) -> Fact:
    if baseline is None:
        return Fact("plan.none_alone")
    phone = phone_name(snapshot, baseline.assignment.stages[0].serial)
    return Fact("plan.alone", figures=figures(baseline.prediction), phone=phone)


def _rows(snapshot: RackSnapshot, plan: Plan) -> list[list[str]]:
    return [
        [
            phone_name(snapshot, stage.serial),
            span_text(stage, plan.assignment.chains),
            format_duration(predicted.compute_s),
            format_duration(predicted.hop_s),
            way_on,
            format_bytes(predicted.needed_bytes),
            format_bytes(predicted.headroom_bytes),
            format_bytes(predicted.push_bytes),
        ]
        for stage, predicted, way_on in zip(
            plan.assignment.stages,
            plan.prediction.stages,
            ways_on(snapshot, plan),
            strict=True,
        )
    ]


def ways_on(snapshot: RackSnapshot, plan: Plan) -> list[str]:
    """Return by which route each stage passes on what it computed; empty where nobody tried.

    The last stage's is to the first one where the ring will be closed, else to this computer.
    """
    routes = {(link.sender, link.receiver): link.route.value for link in snapshot.links}
    ring = plan.assignment.serials
    after_last = ring[0] if plan.prediction.closed else HOST
    return [routes.get(pair, "") for pair in pairwise((*ring, after_last))]


def _one(prediction: Prediction) -> str:
    return tr("a token") if prediction.writes else tr("a text of one token")


def _rate(prediction: Prediction, per_second: float) -> str:
    return format_rate(per_second, prediction.rate_unit)


def figures(prediction: Prediction) -> Fact:
    """Return what is predicted: of a token, or of a text where no token is written."""
    return Fact(
        "plan.figures" if prediction.writes else "plan.figures_of_texts",
        latency=prediction.token_latency_s,
        rate=_rate(prediction, prediction.tokens_per_second),
        together=_rate(prediction, prediction.streams_tokens_per_second),
        streams=prediction.streams,
        energy_mj=prediction.energy_joules_per_token * 1000,
        push=prediction.push_bytes,
    )
