"""The rack's planners: one kept for whoever waits, and one more for what may take long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from app.placement.asking.planner_process import PlannerProcess
from app.placement.asking.question import Planner
from app.placement.problem import PlacementProblem
from app.rack.blocking import BlockingPool
from app.rack.compared_plans import Foresight, PlanComparison
from app.rack.context import RackContext
from app.rack.layers.comparison import compare_plans, foresee_plans

_Result = TypeVar("_Result")


class Planning:
    """Owns the planning process and the thread that waits for it. Lives on the service loop."""

    def __init__(self, context: RackContext) -> None:
        self.pool = BlockingPool(1, "planning")
        self.planner = PlannerProcess(context.clock)
        self._context = context

    def start(self) -> None:
        """Begin the process, so that the first plan does not wait for it."""
        self._context.nursery.start_soon(self.pool.run(self.planner.warm_up), "the planner")

    async def stop(self) -> None:
        """End the process and the thread."""
        await self._context.pool.run(self.planner.close)
        self.pool.shutdown()

    async def compare(self, problem: PlacementProblem) -> tuple[PlanComparison, ...]:
        """Place the model by every method there is."""
        return await self._aside(lambda each: compare_plans(problem, each, self._context.clock))

    async def foresee(self, problems: Sequence[PlacementProblem]) -> tuple[Foresight, ...]:
        """Place models that are not imported yet."""
        return await self._aside(lambda each: foresee_plans(problems, each))

    async def _aside(self, ask: Callable[[Planner], _Result]) -> _Result:
        """Ask a planner begun for it; who asked and leaves ends it."""
        planner = PlannerProcess(self._context.clock)
        try:
            return await self._context.pool.run(ask, planner)
        finally:
            self._context.nursery.start_soon(
                self._context.pool.run(planner.close), "the end of a planner"
            )
