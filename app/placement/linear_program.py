"""LinguaLinked's primary optimiser (arXiv 2312.00388) as a mixed-integer program, for comparison.

A binary says which phone runs which layer; spans are contiguous, memory is limited, and the sum of
compute and communication is least. Three things its published code gets wrong are put right here:
it divides megabytes by kilobytes a second, so that communication weighs a thousandth of what it
costs; its latency term is a constant, so that no plan ever depends on it, while here every hop
carries the latency of its own pair, and so does the way back from the last phone to the first; and
its sum of times packs the fastest phone and ignores the slowest stage, so the throughput and energy
objectives stand beside it. Hops are flows between consecutive layers, a far tighter relaxation than
products of binaries.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pulp

from app.core.errors import DoesNotFitError, ShardloomError
from app.core.model import Blob
from app.placement.costs.costs import CostModel
from app.placement.costs.footprint import RUNTIME_BYTES
from app.placement.costs.rings import RingCost
from app.placement.costs.spans import Arrangement, PhoneSpan
from app.placement.problem import Objective

TIME_LIMIT_S = 20.0
GAP = 1e-7
"""Relative gap at which an answer counts as proven."""

_MILLI = 1e3
_KILOBYTE = 1e3


@dataclass(frozen=True)
class _Variables:
    """All are 0 or 1, though only `runs[layer][device]` have to be told so.

    `flows[layer, sender, receiver]`, `back[last, first]`, `enters[device]`.
    """

    runs: list[list[Any]]
    flows: dict[tuple[int, int, int], Any]
    back: dict[tuple[int, int], Any]
    enters: list[Any]


def linear_program(costs: CostModel, time_limit_s: float = TIME_LIMIT_S) -> Arrangement:
    """Solve the program with HiGHS; the cost is the objective in seconds or joules.

    `proven_optimal` is what the solver could prove within the time limit. Raises DoesNotFitError
    where the program has no solution and ShardloomError where the time was too short for any.
    """
    program = pulp.LpProblem("placement", pulp.LpMinimize)
    variables = _variables(program, costs)
    _add_ring(program, variables, costs)
    _add_memory(program, variables, costs)
    _set_objective(program, variables, costs)
    solver = pulp.HiGHS(msg=False, timeLimit=time_limit_s, threads=1, gapRel=GAP, gapAbs=0.0)
    program.solve(solver)
    if program.sol_status == pulp.LpSolutionInfeasible:
        raise DoesNotFitError("placement.program_infeasible")
    if program.sol_status not in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible):
        raise ShardloomError("placement.program_late", limit=time_limit_s)
    gap = float(program.solverModel.getInfo().mip_gap)
    proven = program.sol_status == pulp.LpSolutionOptimal and gap <= GAP
    return Arrangement(pulp.value(program.objective) / _MILLI, _spans_of(variables), proven)


def _variables(program: Any, costs: CostModel) -> _Variables:  # noqa: ANN401 - pulp is untyped
    layers, devices = range(costs.layer_count), range(costs.device_count)
    runs = [
        [program.add_variable(f"runs_{layer}_{device}", cat="Binary") for device in devices]
        for layer in layers
    ]
    flows = {
        (layer, sender, receiver): program.add_variable(f"flow_{layer}_{sender}_{receiver}", 0, 1)
        for layer in layers[:-1]
        for sender in devices
        for receiver in devices
    }
    back = {
        (last, first): program.add_variable(f"back_{last}_{first}", 0, 1)
        for last in devices
        for first in devices
    }
    enters = [program.add_variable(f"enters_{device}", 0, 1) for device in devices]
    for device, span in costs.pins.items():
        for layer in span.blocks:
            program += runs[layer][device] == 1
    for device, serial in enumerate(costs.serials):
        if not costs.problem.conditions.ends_on(serial):
            program += runs[0][device] + runs[-1][device] == 0
    return _Variables(runs, flows, back, enters)


def _add_ring(program: Any, variables: _Variables, costs: CostModel) -> None:  # noqa: ANN401
    """Each layer on one phone, each phone entered at most once: spans come out contiguous."""
    runs, flows, devices = variables.runs, variables.flows, range(costs.device_count)
    for layer in range(costs.layer_count):
        program += pulp.lpSum(runs[layer]) == 1
    for layer in range(costs.layer_count - 1):
        for device in devices:
            program += pulp.lpSum(flows[layer, device, to] for to in devices) == runs[layer][device]
            arriving = pulp.lpSum(flows[layer, sender, device] for sender in devices)
            program += arriving == runs[layer + 1][device]
    for device in devices:
        program += pulp.lpSum(variables.back[device, to] for to in devices) == runs[-1][device]
        program += pulp.lpSum(variables.back[at, device] for at in devices) == runs[0][device]
        moved = (
            flow for (_, sender, receiver), flow in flows.items() if receiver == device != sender
        )
        program += variables.enters[device] == runs[0][device] + pulp.lpSum(moved)
        if costs.problem.use_all:
            program += variables.enters[device] == 1


def _add_memory(program: Any, variables: _Variables, costs: CostModel) -> None:  # noqa: ANN401
    """Keep each phone to its budget; a file shared by several layers counts once a phone."""
    own = np.diagonal(costs.footprint.span_bytes, 1) - RUNTIME_BYTES
    shared = _shared_blobs(costs)
    for blob, layers in shared.items():
        own = own - np.isin(np.arange(costs.layer_count), layers) * blob.size_bytes
    for device in range(costs.device_count):
        terms = [RUNTIME_BYTES / _KILOBYTE * variables.enters[device]]
        terms += [
            float(size) / _KILOBYTE * variables.runs[layer][device]
            for layer, size in enumerate(own)
        ]
        for number, (blob, layers) in enumerate(shared.items()):
            holds = program.add_variable(f"holds_{number}_{device}", 0, 1)
            for layer in layers:
                program += holds >= variables.runs[layer][device]
            terms.append(blob.size_bytes / _KILOBYTE * holds)
        program += pulp.lpSum(terms) <= float(costs.budget_bytes[device]) / _KILOBYTE


def _shared_blobs(costs: CostModel) -> dict[Blob, list[int]]:
    holders: dict[Blob, list[int]] = defaultdict(list)
    for layer, blobs in enumerate(costs.footprint.layer_blobs):
        for blob in blobs:
            holders[blob].append(layer)
    return {blob: layers for blob, layers in holders.items() if len(layers) > 1}


def _set_objective(program: Any, variables: _Variables, costs: CostModel) -> None:  # noqa: ANN401
    """Minimise the sum of times or joules, or the period of the pipeline; in thousandths."""
    objective = costs.problem.objective
    compute = [_compute(variables, costs, device) for device in range(costs.device_count)]
    if objective is Objective.ENERGY:
        joules = [watts * time for watts, time in zip(costs.active_watts, compute, strict=True)]
        program.setObjective(pulp.lpSum(joules) + _hops(variables, costs.rings.joules))
    elif objective is Objective.LATENCY:
        program.setObjective(pulp.lpSum(compute) + _hops(variables, costs.rings.time_s))
    else:
        period = program.add_variable("period", 0)
        program.setObjective(period)
        program += period >= _hops(variables, costs.rings.airtime_s)
        for time in compute:
            program += period >= time
        latency = pulp.lpSum(compute) + _hops(variables, costs.rings.time_s)
        program += period >= latency / costs.problem.slots


def _compute(variables: _Variables, costs: CostModel, device: int) -> Any:  # noqa: ANN401
    """Return a phone's milliseconds a token as a linear expression."""
    profile = costs.problem.devices[device]
    read_ms = np.diff(costs.footprint.read_bytes) / profile.weight_bytes_per_second * _MILLI
    return (
        pulp.lpSum(
            float(time_ms) * variables.runs[layer][device] for layer, time_ms in enumerate(read_ms)
        )
        + profile.step_overhead_s * _MILLI * variables.enters[device]
    )


def _hops(variables: _Variables, cost: RingCost) -> Any:  # noqa: ANN401 - pulp is untyped
    """Return the sum over the ring's hops, in thousandths, as a linear expression."""
    between = [
        float(cost.between[sender, receiver]) * _MILLI * flow
        for (_, sender, receiver), flow in variables.flows.items()
        if sender != receiver
    ]
    back = [float(cost.back[ends]) * _MILLI * taken for ends, taken in variables.back.items()]
    return pulp.lpSum(between + back)


def _spans_of(variables: _Variables) -> tuple[PhoneSpan, ...]:
    holder = [
        max(range(len(runs)), key=lambda device, runs=runs: runs[device].value())  # type: ignore[misc]
        for runs in variables.runs
    ]
    starts = [0, *(at for at in range(1, len(holder)) if holder[at] != holder[at - 1])]
    ends = [*starts[1:], len(holder)]
    return tuple(
        PhoneSpan(holder[start], start, end) for start, end in zip(starts, ends, strict=True)
    )
