"""What an assignment is expected to do; quick enough to follow a drag."""

from __future__ import annotations

import numpy as np

from app.core.assignment import Assignment, StageAssignment
from app.core.errors import BadInputError
from app.core.identifiers import BlobHash
from app.placement.costs import CostModel
from app.placement.problem import PlacementProblem, Prediction, StagePrediction


class Predictor:
    """Prepares a problem once, then predicts any assignment of it in well under 1 ms."""

    def __init__(self, problem: PlacementProblem, costs: CostModel | None = None) -> None:
        costs = CostModel(problem) if costs is None else costs
        self._model = problem.model.name
        self._layer_count = costs.layer_count
        self._slots = problem.slots
        self._index_of = {serial: index for index, serial in enumerate(costs.serials)}
        self._compute_s = costs.compute_s
        self._hop_s = costs.hop_s
        self._airtime_s = costs.airtime_s
        self._hop_joules = costs.hop_joules
        self._watts = costs.active_watts
        self._span_bytes = costs.footprint.span_bytes
        self._budget_bytes = costs.budget_bytes
        self._layer_blobs = costs.footprint.layer_blobs
        nothing: frozenset[BlobHash] = frozenset()
        self._resident = [problem.resident.get(serial, nothing) for serial in costs.serials]

    def predict(self, assignment: Assignment) -> Prediction:
        """Return what the assignment promises for one decoded token.

        `token_latency_s` sums the host's hop to the first stage and every stage's compute and
        outgoing hop. `saturated_tokens_per_second` is the limit with enough requests in flight:
        compute overlaps with hops, so the slowest stage decides, or the airtime of all hops, which
        one shared medium carries. Raises BadInputError for another model's assignment or a phone
        that is not in the rack.
        """
        devices = self._devices_of(assignment)
        senders = (len(self._index_of), *devices)
        receivers = (*devices, len(self._index_of))
        stages = tuple(
            self._stage(stage, device, receiver)
            for stage, device, receiver in zip(
                assignment.stages, devices, receivers[1:], strict=True
            )
        )
        compute_s = np.array([stage.compute_s for stage in stages])
        first_hop_s = float(self._hop_s[senders[0], receivers[0]])
        airtime_s = float(self._airtime_s[senders, receivers].sum())
        radio_joules = float(self._hop_joules[senders, receivers].sum())
        return Prediction(
            token_latency_s=first_hop_s + sum(stage.compute_s + stage.hop_s for stage in stages),
            saturated_tokens_per_second=1.0 / max(float(compute_s.max()), airtime_s),
            streams=self._slots,
            energy_joules_per_token=float(compute_s @ self._watts[list(devices)]) + radio_joules,
            push_bytes=sum(stage.push_bytes for stage in stages),
            stages=stages,
        )

    def _devices_of(self, assignment: Assignment) -> tuple[int, ...]:
        if assignment.layer_count != self._layer_count:
            raise BadInputError(
                f"The assignment has {assignment.layer_count} layers, "
                f"model {self._model} has {self._layer_count}."
            )
        unknown = [serial for serial in assignment.serials if serial not in self._index_of]
        if unknown:
            raise BadInputError(f"{unknown[0]} is not in this rack.")
        return tuple(self._index_of[serial] for serial in assignment.serials)

    def _stage(self, stage: StageAssignment, device: int, receiver: int) -> StagePrediction:
        first, end = stage.first_layer, stage.last_layer + 1
        needed_bytes = int(self._span_bytes[first, end])
        return StagePrediction(
            serial=stage.serial,
            compute_s=float(self._compute_s[device, first, end]),
            hop_s=float(self._hop_s[device, receiver]),
            needed_bytes=needed_bytes,
            headroom_bytes=int(self._budget_bytes[device]) - needed_bytes,
            push_bytes=self._push_bytes(device, first, end),
        )

    def _push_bytes(self, device: int, first: int, end: int) -> int:
        resident = self._resident[device]
        missing = {
            blob
            for blobs in self._layer_blobs[first:end]
            for blob in blobs
            if blob.sha256 not in resident
        }
        return sum(blob.size_bytes for blob in missing)


def predict(problem: PlacementProblem, assignment: Assignment) -> Prediction:
    """Predict once; keep a `Predictor` where many assignments of one problem are compared."""
    return Predictor(problem).predict(assignment)
