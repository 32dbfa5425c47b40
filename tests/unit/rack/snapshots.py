"""What a front end shows of a rack on which nothing has happened yet."""

from __future__ import annotations

from app.placement.problem import Objective
from app.rack.snapshot import Phase, RackSnapshot

EMPTY_RACK = RackSnapshot(
    sequence=1,
    at_s=0.0,
    phase=Phase.READY,
    rack_name="demo",
    notices=(),
    model=None,
    phones=(),
    objective=Objective.LATENCY,
    pins=(),
    requested=None,
    applied=None,
    prediction=None,
    plan=None,
    requests=(),
    timeline=(),
    ledger=None,
    tokens_per_second=None,
)
