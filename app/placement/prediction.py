"""What an assignment is expected to do; quick enough to follow a drag."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from app.core.assignment import Assignment, StageAssignment
from app.core.chain import Chain
from app.core.errors import BadInputError
from app.core.facts import Fact
from app.core.identifiers import BlobHash, Serial
from app.placement.costs.costs import CostModel
from app.placement.problem import PlacementProblem, Prediction, StagePrediction


class Predictor:
    """Prepares a problem once, then predicts any assignment of it in well under 1 ms."""

    def __init__(self, problem: PlacementProblem, costs: CostModel | None = None) -> None:
        costs = CostModel(problem) if costs is None else costs
        self._model = problem.model.name
        self._chains = problem.model.chains
        self._numbered = problem.model.numbered
        self._slots = problem.slots
        self._index_of = {serial: index for index, serial in enumerate(costs.serials)}
        self._devices = problem.devices
        self._read_bytes = costs.footprint.read_bytes
        self._task = problem.model.task
        self._prices = problem.prices
        self._rings = costs.rings
        self._watts = costs.active_watts
        self._footprint = costs.footprint
        self._span_bytes = costs.footprint.span_bytes
        self._budget_bytes = costs.budget_bytes
        self._layer_blobs = costs.footprint.layer_blobs
        nothing: frozenset[BlobHash] = frozenset()
        self._resident = [problem.resident.get(serial, nothing) for serial in costs.serials]

    def predict(self, assignment: Assignment) -> Prediction:
        """Return what the assignment promises for one decoded token.

        `token_latency_s` sums every stage's compute and hop, the way back to the first included:
        straight where the ring is closed, else over the host. `saturated_tokens_per_second` is the
        limit with enough requests in flight: compute overlaps with hops, so the slowest stage
        decides, or the airtime of all hops, which one shared medium carries. Raises BadInputError
        for another model's assignment or a phone that is not in the rack.
        """
        devices = self._devices_of(assignment)
        time_s, ends = self._rings.time_s, (devices[-1], devices[0])
        hops_s = (*(time_s.between[hop] for hop in pairwise(devices)), time_s.back[ends])
        stages = tuple(
            self._stage(stage, device, float(hop_s))
            for stage, device, hop_s in zip(assignment.stages, devices, hops_s, strict=True)
        )
        compute_s = np.array([stage.compute_s for stage in stages])
        airtime_s = self._rings.airtime_s.of(devices)
        radio_joules = self._rings.joules.of(devices)
        return Prediction(
            token_latency_s=sum(stage.compute_s + stage.hop_s for stage in stages),
            saturated_tokens_per_second=1.0 / max(float(compute_s.max()), airtime_s),
            streams=self._slots,
            energy_joules_per_token=sum(stage.joules for stage in stages) + radio_joules,
            push_bytes=sum(stage.push_bytes for stage in stages),
            stages=stages,
            closed=bool(self._rings.closes[ends]),
            task=self._task,
            price_per_token=sum(
                self._prices.get(stage.serial, 0.0) * len(self._numbered(stage.span))
                for stage in assignment.stages
            ),
        )

    def holds_all(self, serial: Serial) -> bool:
        """Tell whether a phone has room for the whole model."""
        needed_bytes = int(self._span_bytes[0, -1])
        return needed_bytes <= int(self._budget_bytes[self._index_of[serial]])

    def _devices_of(self, assignment: Assignment) -> tuple[int, ...]:
        if assignment.chains != self._chains:
            raise BadInputError(
                "assignment.of_another_model",
                found=_lengths(assignment.chains),
                model=self._model,
                wanted=_lengths(self._chains),
            )
        unknown = [serial for serial in assignment.serials if serial not in self._index_of]
        if unknown:
            raise BadInputError("assignment.phone_unknown", phone=unknown[0])
        return tuple(self._index_of[serial] for serial in assignment.serials)

    def _stage(self, stage: StageAssignment, device: int, hop_s: float) -> StagePrediction:
        layers = self._numbered(stage.span)
        first, end = layers.start, layers.stop
        needed_bytes = int(self._span_bytes[first, end])
        free_bytes = int(self._budget_bytes[device]) - needed_bytes
        compute_s = self._compute_s(device, first, end)
        return StagePrediction(
            serial=stage.serial,
            compute_s=compute_s,
            hop_s=hop_s,
            joules=compute_s * float(self._watts[device]),
            is_drain_measured=self._devices[device].is_drain_measured,
            needed_bytes=needed_bytes,
            headroom_bytes=free_bytes,
            push_bytes=self._push_bytes(device, first, end),
            room_tokens=self._footprint.room_tokens(first, end, free_bytes),
        )

    def _compute_s(self, device: int, first: int, end: int) -> float:
        """Return what `CostModel.compute_s` says of one span, which takes a while for all."""
        profile = self._devices[device]
        read = float(self._read_bytes[end] - self._read_bytes[first])
        return read / profile.weight_bytes_per_second + profile.step_overhead_s

    def _push_bytes(self, device: int, first: int, end: int) -> int:
        resident = self._resident[device]
        missing = {
            blob
            for blobs in self._layer_blobs[first:end]
            for blob in blobs
            if blob.sha256 not in resident
        }
        return sum(blob.size_bytes for blob in missing)


def _lengths(chains: Sequence[Chain]) -> tuple[Fact, ...]:
    return tuple(Fact("chain.length", chain=each.name, count=each.block_count) for each in chains)


def predict(problem: PlacementProblem, assignment: Assignment) -> Prediction:
    """Predict once; keep a `Predictor` where many assignments of one problem are compared."""
    return Predictor(problem).predict(assignment)
