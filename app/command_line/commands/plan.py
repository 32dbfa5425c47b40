"""`shardloom plan`: which phone would run which layers, and what that promises."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import pairwise

from app.command_line.options import rack_options
from app.command_line.output.naming import phone_name
from app.command_line.output.progress import shown_progress
from app.command_line.output.run_report import assignment_rows, assignment_text
from app.command_line.output.terminal import print_json, print_line, print_table
from app.command_line.rack_session import READY_TIMEOUT_S, opened_rack, tell_left_out
from app.core.errors import ShardloomError
from app.core.identifiers import HOST
from app.core.units import format_bytes, format_duration, format_rate, significant
from app.placement.problem import Plan, Prediction, StagePrediction
from app.rack.commands import Compare
from app.rack.comparison import PlanComparison, Standing, plan_standing
from app.rack.snapshot import RackSnapshot
from app.words.sentences import reason_text

COMPARE_TIMEOUT_S = 60.0
COMPARED = ("method", "assignment", ">{one}", ">with streams", "memory", "standing", ">solved in")
STANDINGS = {
    Standing.NONE: "",
    Standing.PROVEN: "proven optimal",
    Standing.PROVEN_OF_ALL_PHONES: "proven among plans that use all phones",
    Standing.PROVEN_WITH_PINS: "proven among plans that keep the pins",
    Standing.PROVEN_OF_ALL_PHONES_WITH_PINS: (
        "proven among plans that use all phones and keep the pins"
    ),
    Standing.NOT_PROVEN: "not proven optimal",
    Standing.LEAVES_PHONES_OUT: "leaves out phones that are to be used",
    Standing.BREAKS_PINS: "breaks the pins",
}
HEADINGS = ("phone", "layers", ">compute", ">hop", "way on", ">needs", ">headroom", ">to push")


def execute(arguments: argparse.Namespace) -> int:
    """Open the rack until the planner has answered and show the answer."""
    with opened_rack(rack_options(arguments)) as session, shown_progress(session):
        snapshot = session.wait_until(lambda rack: rack.plan is not None, READY_TIMEOUT_S)
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
            headings = [each.format(one=_one(snapshot.plan.prediction)) for each in COMPARED]
            print_table(headings, [_compared(snapshot, other) for other in others])
    return 0


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
        "fits" if prediction.fits else "does not fit",
        STANDINGS[other.standing],
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
        "assignment": assignment_rows(plan.assignment),
        "predicted": {
            "token_latency_ms": prediction.token_latency_s * 1000,
            "tokens_per_second": prediction.tokens_per_second,
            "streams": prediction.streams,
            "streams_tokens_per_second": prediction.streams_tokens_per_second,
            "saturated_tokens_per_second": prediction.saturated_tokens_per_second,
            "energy_joules_per_token": prediction.energy_joules_per_token,
            "push_bytes": prediction.push_bytes,
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
        "needed_bytes": stage.needed_bytes,
        "headroom_bytes": stage.headroom_bytes,
        "push_bytes": stage.push_bytes,
    }


def _print(snapshot: RackSnapshot, plan: Plan) -> None:
    title = f"{plan.assignment.model} on {snapshot.rack_name}, for {snapshot.objective}"
    print_table(HEADINGS, _rows(snapshot, plan), title=title)
    print_line(f"Method     {plan.method}, {STANDINGS[plan_standing(plan)]}")
    print_line("Predicted  " + figures_text(plan.prediction))
    if plan.baseline:
        alone = phone_name(snapshot, plan.baseline.assignment.stages[0].serial)
        print_line(
            f"Alone      {figures_text(plan.baseline.prediction)} on {alone}, the best phone"
        )
    else:
        print_line("Alone      no single phone could hold the model")


def _rows(snapshot: RackSnapshot, plan: Plan) -> list[list[str]]:
    return [
        [
            phone_name(snapshot, stage.serial),
            f"{stage.first_layer}-{stage.last_layer}",
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
    return "a token" if prediction.writes else "a text of one token"


def _rate(prediction: Prediction, per_second: float) -> str:
    return format_rate(per_second, prediction.rate_unit)


def figures_text(prediction: Prediction) -> str:
    """Return what is predicted in one line: of a token, or of a text where no token is written."""
    together = _rate(prediction, prediction.streams_tokens_per_second)
    return (
        f"{format_duration(prediction.token_latency_s)} {_one(prediction)}, "
        f"{_rate(prediction, prediction.tokens_per_second)}, "
        f"{together} with {prediction.streams} {'streams' if prediction.writes else 'at once'}, "
        f"{significant(prediction.energy_joules_per_token * 1000)} mJ {_one(prediction)}, "
        f"push {format_bytes(prediction.push_bytes)}"
    )
