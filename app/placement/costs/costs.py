"""The cost model: what any span on any phone, and any hop, costs in time, energy and memory."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from app.core.assignment import Assignment
from app.core.errors import BadInputError
from app.core.identifiers import HOST, BlobHash
from app.placement.costs.footprint import footprint_of
from app.placement.costs.links import LinkMatrix, link_between
from app.placement.costs.pins import allowed_spans, pinned_spans
from app.placement.costs.rings import RingCost, Rings
from app.placement.costs.spans import AdditiveProblem, Arrangement, PhoneSpan
from app.placement.costs.starts import start_order
from app.placement.problem import Objective, PlacementProblem
from workers.protocol.chain import MAXIMUM_CHAINS

Spans = npt.NDArray[np.float64]
Allowed = npt.NDArray[np.bool_]


class CostModel:
    """Arrays over (device, first layer, end layer) and pairs of devices, made once a problem.

    Devices keep the problem's order. A problem that makes no sense (no phone, no layer, pins at
    odds) raises BadInputError.
    """

    def __init__(self, problem: PlacementProblem) -> None:
        problem = replace(problem, links=LinkMatrix.of(problem.links))
        _check(problem)
        self.problem = problem
        self._push_limit_s = np.inf
        self.footprint = footprint_of(problem)
        self.serials = tuple(device.serial for device in problem.devices)
        self.pins = pinned_spans(problem)
        _check_free_layers(self)
        self.rings = Rings(problem)
        self.budget_bytes = np.array([d.memory_budget_bytes for d in problem.devices], np.int64)
        self.active_watts = np.array([device.active_watts for device in problem.devices])

    @property
    def device_count(self) -> int:
        """Number of phones."""
        return len(self.serials)

    @property
    def layer_count(self) -> int:
        """Number of layers."""
        return self.footprint.layer_count

    def arrangement_of(self, assignment: Assignment) -> Arrangement:
        """Return an assignment of the problem's own phones in the planner's figures, unpriced."""
        index_of = {serial: at for at, serial in enumerate(self.serials)}
        spans = tuple(
            PhoneSpan(index_of[stage.serial], layers.start, layers.stop)
            for stage in assignment.stages
            if (layers := self.problem.model.numbered(stage.span))
        )
        return Arrangement(0.0, spans, proven_optimal=False)

    @cached_property
    def compute_s(self) -> Spans:
        """Seconds one decoded token spends in a span: bytes read over rate, plus the overhead."""
        devices = self.problem.devices
        rate = np.array([device.weight_bytes_per_second for device in devices])
        overhead_s = np.array([device.step_overhead_s for device in devices])
        read = self.footprint.read_bytes
        span_read = np.maximum(read[None, :] - read[:, None], 0.0)
        seconds: Spans = span_read[None] / rate[:, None, None]
        seconds += overhead_s[:, None, None]  # in place: of 200 phones it is 15 MB
        return seconds

    @cached_property
    def price(self) -> Spans:
        """Micro-credits that a span costs a token: its layers, each at its phone's price."""
        prices = np.array([self.problem.prices.get(serial, 0.0) for serial in self.serials])
        layers = np.arange(self.layer_count + 1, dtype=np.float64)
        spans: Spans = prices[:, None, None] * np.maximum(layers[None, :] - layers[:, None], 0.0)
        return spans

    @cached_property
    def pin_allowed(self) -> Allowed:
        """Spans that pins and conditions permit, memory left aside."""
        allowed = allowed_spans(self.pins, self.device_count, self.layer_count)
        strangers = [not self.problem.conditions.ends_on(serial) for serial in self.serials]
        allowed[strangers, 0] = False
        allowed[strangers, :, -1] = False
        return allowed

    @cached_property
    def allowed(self) -> Allowed:
        """Spans that pins, conditions and the phone's memory permit."""
        fits = self.footprint.span_bytes[None] <= self.budget_bytes[:, None, None]
        permitted: Allowed = self.pin_allowed & fits
        if np.isfinite(self._push_limit_s):
            permitted &= self.push_s <= self._push_limit_s
        return permitted

    @cached_property
    def push_s(self) -> Spans:
        """Seconds in which the files that a phone lacks of a span reach it from the host."""
        problem = self.problem
        nothing: frozenset[BlobHash] = frozenset()
        missing = np.stack(
            [
                self.footprint.missing_bytes(problem.resident.get(serial, nothing))
                for serial in self.serials
            ]
        )
        links = [link_between(problem.links, HOST, serial) for serial in self.serials]
        rates = np.array([link.bytes_per_second for link in links])
        seconds: Spans = missing / rates[:, None, None]
        return seconds

    def return_s(self, found: Arrangement) -> float:
        """Return the seconds until an arrangement's phones, pushed to all at a time, can begin."""
        return max(float(self.push_s[span]) for span in found.spans)

    def pushing_within(self, limit_s: float) -> CostModel:
        """Return this model with the spans forbidden that take longer to be pushed."""
        limited = copy(self)
        limited._push_limit_s = limit_s  # noqa: SLF001 - a copy of our own
        for made in ("allowed", "_start"):
            limited.__dict__.pop(made, None)
        return limited

    def table(self, objective: Objective, factor: float = 1.0) -> AdditiveProblem:
        """Return the additive table of an objective, every cost so many times as high.

        LATENCY sums compute and hops, ENERGY sums joules; THROUGHPUT sums the airtime of the hops,
        which one shared medium has to carry for every token; PRICE sums what layers cost.
        """
        if objective is Objective.ENERGY:
            spans, hops = self.compute_s * self.active_watts[:, None, None], self.rings.joules
        elif objective is Objective.PRICE:
            spans, hops = self.price, self.rings.free
        elif objective is Objective.THROUGHPUT:
            spans, hops = np.zeros((1, 1, 1)), self.rings.airtime_s
        else:
            spans, hops = self.compute_s, self.rings.time_s
        return self.table_of(spans, hops).only(self.allowed, factor)

    def table_of(self, spans: Spans, hops: RingCost) -> AdditiveProblem:
        """Return an additive table of those costs with this problem's pins and `use_all`.

        Spans whose costs are alike may be told once, if the table is then made `only` some.
        """
        pinned = tuple(sorted(self.pins, key=lambda device: self.pins[device].first))
        return AdditiveProblem(
            spans, hops.between, hops.back, self.problem.use_all, pinned, self._start
        )

    @cached_property
    def _start(self) -> tuple[int, ...]:
        layers = np.arange(self.layer_count + 1)
        lengths = layers[None, :] - layers[:, None]
        rooms = np.where(self.allowed, lengths, 0).max(axis=(1, 2))
        return start_order(self.pins, rooms.tolist(), self.layer_count)


def _check(problem: PlacementProblem) -> None:
    if not problem.devices:
        raise BadInputError("placement.no_phone")
    if problem.model.layer_count == 0:
        raise BadInputError("placement.no_layers", model=problem.model.name)
    if problem.model.two_chains and len(problem.devices) < MAXIMUM_CHAINS:
        raise BadInputError("placement.too_few_for_chains", chains=MAXIMUM_CHAINS)
    if len({device.serial for device in problem.devices}) != len(problem.devices):
        raise BadInputError("placement.phone_twice")
    for device in problem.devices:
        if device.weight_bytes_per_second <= 0:
            raise BadInputError("placement.speed_unknown", phone=device.serial)
    links = LinkMatrix.of(problem.links)
    for sender, receiver in np.argwhere(links.bytes_per_second <= 0).tolist():
        ends = links.ends[sender], links.ends[receiver]
        raise BadInputError("placement.link_unmeasured", sender=ends[0], receiver=ends[1])
    if problem.use_all and len(problem.devices) > problem.model.layer_count:
        raise BadInputError(
            "placement.too_many_phones",
            phones=len(problem.devices),
            layers=problem.model.layer_count,
        )


def _check_free_layers(costs: CostModel) -> None:
    pinned = sum(span.block_count for span in costs.pins.values())
    waiting, free = costs.device_count - len(costs.pins), costs.layer_count - pinned
    if costs.problem.use_all and waiting > free:
        raise BadInputError("placement.too_few_layers_free", free=free, waiting=waiting)
