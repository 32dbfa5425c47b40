"""What a plan is compared with: the best phone alone, and LinguaLinked's equal split."""

from __future__ import annotations

from app.core.assignment import Assignment
from app.core.errors import BadInputError
from app.placement.prediction import Predictor
from app.placement.problem import Method, Objective, PlacementProblem, Plan, Prediction


def score(prediction: Prediction, objective: Objective) -> float:
    """Return what the objective wants small: seconds or joules a token.

    For throughput these are seconds between two tokens of all streams together.
    """
    if objective is Objective.ENERGY:
        return prediction.energy_joules_per_token
    if objective is Objective.LATENCY:
        return prediction.token_latency_s
    return 1.0 / prediction.streams_tokens_per_second


def best_single_phone(problem: PlacementProblem, predictor: Predictor) -> Plan | None:
    """Return the best phone holding the whole model, pins aside; None where none can."""
    plans = []
    for device in problem.devices:
        if not predictor.holds_all(device.serial):
            continue
        assignment = problem.assignment([(device.serial, 0, problem.model.layer_count)])
        prediction = predictor.predict(assignment)
        plans.append(Plan(assignment, prediction, Method.EXACT, proven_optimal=True))
    return min(plans, key=lambda plan: score(plan.prediction, problem.objective), default=None)


def equal_split(problem: PlacementProblem) -> Assignment:
    """Return LinguaLinked's baseline: the same number of layers a phone, in the rack's order.

    Blind to speed and memory, so it need not fit. The first phones take one more where the
    division leaves a rest; phones beyond the layers stay free. Raises BadInputError for a rack
    without phones.
    """
    layers = problem.model.layer_count
    devices = problem.devices[:layers]
    if not devices:
        raise BadInputError("placement.no_phone")
    share, rest = divmod(layers, len(devices))
    spans = []
    first = 0
    for position, device in enumerate(devices):
        end = first + share + (position < rest)
        spans.append((device.serial, first, end))
        first = end
    return problem.assignment(spans)
