"""How tokens are chosen, as evidence holds it."""

from __future__ import annotations

from typing import Any

from app.core.errors import BadInputError
from app.proof.records.json_fields import Fields, octets, text, whole_number, whole_numbers
from workers.protocol.sampling_rule import Added, Bias, SamplingRule, Steering


def read_sampling(fields: Fields) -> SamplingRule:
    """Return the rule that `workers.identity.digests.sampling_fields` wrote.

    Raises `BadInputError`, as all functions here do.
    """
    return SamplingRule(
        temperature=_number(fields, "temperature"),
        top_p=_number(fields, "top_p"),
        seed=int(_number(fields, "seed", whole=True)),
        top_k=whole_number(fields, "top_k"),
        min_p=_number(fields, "min_p"),
        biases=tuple(Bias(*each) for each in _pairs(fields, "biases")),
    )


def steering_fields(steering: Steering) -> dict[str, Any]:
    """Return what steered a token as JSON values."""
    added = [[each.token, repr(float(each.amount))] for each in steering.added]
    return {
        "allowed": steering.allowed.hex(),
        "added": added,
        "repeated": list(steering.repeated),
        "repetition": repr(float(steering.repetition)),
    }


def read_steering(fields: Fields) -> Steering:
    """Return what steered a token."""
    added = tuple(Added(*each) for each in _pairs(fields, "added"))
    return Steering(
        octets(fields, "allowed"),
        added,
        whole_numbers(fields, "repeated"),
        _number(fields, "repetition"),
    )


def _pairs(fields: Fields, name: str) -> list[tuple[int, float]]:
    try:
        return [(int(token), float(number)) for token, number in fields[name]]
    except (KeyError, TypeError, ValueError, OverflowError):
        raise BadInputError("proof.odd_field", field=name) from None


def _number(fields: Fields, name: str, *, whole: bool = False) -> float:
    try:
        return int(text(fields, name)) if whole else float(text(fields, name))
    except ValueError:
        raise BadInputError("proof.odd_field", field=name) from None
