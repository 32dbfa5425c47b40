"""An experiment's file (TOML), checked: its size, its keys, every bound."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from app.core.errors import BadInputError, reason_of
from app.core.identifiers import Serial
from app.faults.catalogue import Fault, check_fault
from app.faults.experiments import plan
from app.faults.experiments.plan import Experiment
from app.faults.experiments.targets import check_target
from app.faults.kinds import FaultKind

LARGEST_BYTES: Final = 64 << 10
_KEYS: Final = frozenset(Experiment.__dataclass_fields__)
_WORKLOAD_KEYS: Final = frozenset(plan.Workload.__dataclass_fields__)
_FAULT_KEYS: Final = frozenset(plan.PlannedFault.__dataclass_fields__)
_FORM: Final = TypeAdapter(Experiment)


def read_experiment(path: Path) -> Experiment:
    """Return what a file plans. Raises `BadInputError` with the file, the place and the reason."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise BadInputError("experiment.too_large", file=path.name, most=LARGEST_BYTES)
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(
            "experiment.unreadable", file=path.name, reason=reason_of(error)
        ) from None
    return experiment_of(text, path.name)


def experiment_of(text: str, file: str) -> Experiment:
    """Return what a text plans. Raises `BadInputError`."""
    try:
        table = tomllib.loads(text)
        _refuse_unknown(file, table)
        experiment = _FORM.validate_json(json.dumps(table), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise BadInputError(
            "experiment.bad_value", file=file, place=place, reason=first["msg"]
        ) from None
    except (tomllib.TOMLDecodeError, RecursionError, TypeError) as error:
        raise BadInputError("experiment.unreadable", file=file, reason=reason_of(error)) from None
    check_experiment(experiment, file)
    return experiment


def _refuse_unknown(file: str, table: dict[str, object]) -> None:
    workload, faults = table.get("workload", {}), table.get("faults", [])
    parts: list[tuple[str, object, frozenset[str]]] = [
        ("", table, _KEYS),
        ("workload.", workload, _WORKLOAD_KEYS),
    ]
    for number, each in enumerate(faults if isinstance(faults, list) else [], start=1):
        parts.append((f"faults[{number}].", each, _FAULT_KEYS))
    for place, part, known in parts:
        for key in part if isinstance(part, dict) else ():
            if key not in known:
                raise BadInputError("experiment.unknown_key", file=file, key=f"{place}{key}")


def check_experiment(experiment: Experiment, file: str) -> None:
    """Raise `BadInputError` for a figure out of bounds or a fault that cannot be as it is."""
    workload = experiment.workload
    bounds: tuple[tuple[str, float, float, float], ...] = (
        ("repeat", experiment.repeat, 1, plan.MOST_REPEATS),
        ("seed", experiment.seed, 0, 2**32 - 1),
        ("duration_s", experiment.duration_s, 1, plan.LONGEST_S),
        ("workload.tokens", workload.tokens, 1, plan.MOST_TOKENS),
        ("workload.streams", workload.streams, 1, plan.MOST_STREAMS),
        ("workload.audit_rate", workload.audit_rate or 0.0, 0, 1),
        ("faults", len(experiment.faults), 1, plan.MOST_FAULTS),
        ("name", len(experiment.name.strip()), 1, plan.MOST_NAME),
        ("workload.prompt", len(workload.prompt), 1, plan.MOST_PROMPT),
    )
    for place, value, least, most in bounds:
        _check_bounds(file, place, value, least, most)
    for number, each in enumerate(experiment.faults, start=1):
        place = f"faults[{number}]"
        _check_bounds(file, f"{place}.after_s", each.after_s, 0, experiment.duration_s)
        _named(file, place, partial(check_fault, partial_fault(each)))
        _named(file, place, partial(check_target, each.target, each.kind))


def partial_fault(planned: plan.PlannedFault) -> Fault:
    """Return a planned fault as if on some phone, to be checked."""
    return Fault(
        FaultKind(planned.kind),
        Serial(planned.target),
        planned.token,
        planned.amount,
        planned.share,
    )


def _check_bounds(file: str, place: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise BadInputError(
            "experiment.out_of_bounds", file=file, place=place, least=f"{least:g}", most=f"{most:g}"
        )


def _named(file: str, place: str, check: Callable[[], None]) -> None:
    try:
        check()
    except BadInputError as error:
        raise BadInputError(
            "experiment.bad_value", file=file, place=place, reason=error.fact
        ) from None
