"""The canary: how fast this phone reads weights, multiplies, and gets through a step's chores."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from workers.engine.canary import CANARY_GRAPH
from workers.engine.session import open_session
from workers.identity.transcript import step_leaves
from workers.protocol.commands import Measured
from workers.protocol.step_message import StepRow, read_step, step_frame
from workers.protocol.wire import Tensor

_BUDGET_S: Final = 0.12
_MAXIMUM_ROUNDS: Final = 15
_READ_SIZE: Final = (4096, 4096)
"""64 MiB: larger than the caches of phones."""
_MULTIPLY_SIZE: Final = 512
_CHORE_SIZE: Final = 256


def measure(threads: int) -> Measured:
    """Return how fast this phone is; < 0.5 s.

    Rates are means over a span of time, so that a phone that is held back now and then shows it;
    the overhead of a step is a median.
    """
    session = open_session(CANARY_GRAPH, threads)
    return Measured(
        weight_bytes_per_second=_weight_bytes_per_second(session),
        flops_per_second=_flops_per_second(session),
        step_overhead_s=_step_overhead_s(session),
    )


def _weight_bytes_per_second(session: Any) -> float:  # noqa: ANN401 - onnxruntime is untyped
    weights = np.full(_READ_SIZE, 0.5, np.float32)
    row = np.ones((1, _READ_SIZE[0]), np.float32)
    return weights.nbytes / _mean_s(_Multiplication(session, row, weights))


def _flops_per_second(session: Any) -> float:  # noqa: ANN401 - onnxruntime is untyped
    square = np.full((_MULTIPLY_SIZE, _MULTIPLY_SIZE), 0.5, np.float32)
    return 2 * _MULTIPLY_SIZE**3 / _mean_s(_Multiplication(session, square, square))


def _step_overhead_s(session: Any) -> float:  # noqa: ANN401 - onnxruntime is untyped
    """Time what every step costs whatever the span: decode, run, hash both sides, encode."""
    row = np.ones((1, _CHORE_SIZE), np.float32)
    run = _Multiplication(session, row, np.eye(_CHORE_SIZE, dtype=np.float32)[:, :1])
    rows = [StepRow("canary", 0, 0, wants_token=True, generated=1)]

    def chores() -> None:
        step = read_step(memoryview(step_frame(rows, (), row[None])))
        run()
        step_leaves(step.inputs, 0)
        step_leaves(row[None], 0)

    return _median_s(chores)


class _Multiplication:
    """A prepared multiplication; holds its arrays, since bindings keep only their addresses."""

    def __init__(self, session: Any, left: Tensor, right: Tensor) -> None:  # noqa: ANN401
        self._session = session
        self._binding = session.io_binding()
        product = np.empty((left.shape[0], right.shape[1]), np.float32)
        self._arrays = {"left": left, "right": np.ascontiguousarray(right), "product": product}
        for name, array in self._arrays.items():
            bind = self._binding.bind_output if name == "product" else self._binding.bind_input
            bind(name, "cpu", 0, np.float32, list(array.shape), array.ctypes.data)

    def __call__(self) -> None:
        self._session.run_with_iobinding(self._binding)


def _mean_s(work: Callable[[], None]) -> float:
    """Run once to warm up, then for the time budget."""
    work()
    rounds = 0
    started = time.perf_counter()
    while (elapsed := time.perf_counter() - started) < _BUDGET_S:
        work()
        rounds += 1
    return elapsed / max(rounds, 1)


def _median_s(work: Callable[[], None]) -> float:
    """Run once to warm up, then until the time budget or the most rounds are used."""
    work()
    durations: list[float] = []
    started = time.perf_counter()
    while len(durations) < _MAXIMUM_ROUNDS and time.perf_counter() - started < _BUDGET_S:
        round_started = time.perf_counter()
        work()
        durations.append(time.perf_counter() - round_started)
    return statistics.median(durations)
