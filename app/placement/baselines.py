"""What a plan is compared with: the best phone alone, and LinguaLinked's equal split."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.assignment import Assignment
from app.core.device import DeviceProfile
from app.core.errors import BadInputError
from app.core.identifiers import Serial
from app.placement.prediction import Predictor
from app.placement.problem import Method, Objective, PlacementProblem, Plan, Prediction
from workers.protocol.chain import MAXIMUM_CHAINS


def score(prediction: Prediction, objective: Objective) -> float:
    """Return what the objective wants small: seconds, joules or micro-credits a token.

    For throughput these are seconds between two tokens of all streams together.
    """
    if objective is Objective.ENERGY:
        return prediction.energy_joules_per_token
    if objective is Objective.PRICE:
        return prediction.price_per_token
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
    model = problem.model
    devices = problem.devices[: model.layer_count]
    if not devices:
        raise BadInputError("placement.no_phone")
    if not model.two_chains:
        return problem.assignment(_equally(devices, 0, model.layer_count))
    if len(devices) < MAXIMUM_CHAINS:
        raise BadInputError("placement.too_few_for_chains", chains=MAXIMUM_CHAINS)
    encoder = model.encoder_layers
    wanted = round(len(devices) * encoder / model.layer_count)
    least, most = len(devices) - (model.layer_count - encoder), min(len(devices) - 1, encoder)
    readers = min(max(wanted, least, 1), most)
    spans = _equally(devices[:readers], 0, encoder)
    return problem.assignment([*spans, *_equally(devices[readers:], encoder, model.layer_count)])


def _equally(
    devices: Sequence[DeviceProfile], first: int, end: int
) -> list[tuple[Serial, int, int]]:
    share, rest = divmod(end - first, len(devices))
    spans = []
    for position, device in enumerate(devices):
        after = first + share + (position < rest)
        spans.append((device.serial, first, after))
        first = after
    return spans
