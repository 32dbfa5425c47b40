"""What a slash rests on, in sentences: where it went wrong, by how much, what stood instead."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from app.core.units import significant
from app.words.catalogue import tr
from app.words.states import listed


def evidence_text(evidence: str) -> str:
    """Return evidence in sentences, one a line; nothing where it is of no kind known here."""
    try:
        held = json.loads(evidence)
    except ValueError:
        return ""
    lines = _lines(held) if isinstance(held, Mapping) else []
    return "\n".join(line for line in lines if line)


def evidence_source(evidence: str) -> str:
    """Return evidence as it is journalled: JSON indented, anything else as it is."""
    try:
        return json.dumps(json.loads(evidence), indent=2, ensure_ascii=False)
    except ValueError:
        return evidence


def _lines(held: Mapping[str, Any]) -> list[str]:
    return [
        _wrong_step(_record(held, "first_bad")),
        _tokens(_record(held, "first_bad")),
        _rounding(_record(held, "rounding")),
        _roots(held),
        _contradiction(_record(held, "differences"), held.get("stage")),
        _circumstances(held),
    ]


def _record(held: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = held.get(name)
    return found if isinstance(found, Mapping) else {}


def _wrong_step(step: Mapping[str, Any]) -> str:
    position, deviation = step.get("position"), _figure(step.get("deviation"))
    if not isinstance(position, int):
        return ""
    if deviation is None:
        words = tr("The first wrong step is at position {position} of the text.")
        return words.format(position=f"{position:,}")
    words = tr(
        "The first wrong step is at position {position} of the text: its output is off by "
        "{deviation} times what rounding may do."
    )
    return words.format(position=f"{position:,}", deviation=significant(deviation))


def _figure(value: object) -> float | None:
    """Return a finite number, also one that is text: so the journal keeps what has a fraction."""
    if not isinstance(value, int | float | str):
        return None
    try:
        figure = float(value)
    except (ValueError, OverflowError):
        return None
    return figure if math.isfinite(figure) else None


def _tokens(step: Mapping[str, Any]) -> str:
    claimed, expected = _record(step, "claimed"), _record(step, "expected")
    if "token" not in claimed or "token" not in expected:
        return ""
    if claimed["token"] != expected["token"]:
        words = tr("The phone signed for token {claimed}; computed again it is token {expected}.")
        return words.format(claimed=claimed["token"], expected=expected["token"])
    return tr("The token is right; how likely it was, or what else could stand, is not.")


def _rounding(measure: Mapping[str, Any]) -> str:
    keys = {"median": "median", "worst": "worst"}
    keys |= {"limit": "wrong_above", "row_limit": "row_wrong_above"}
    figures = {name: _figure(measure.get(key)) for name, key in keys.items()}
    shares = {name: figure for name, figure in figures.items() if figure is not None}
    if len(shares) < len(keys):
        return ""
    words = tr(
        "Held against what the stage added, half of its rows are off by {median} and the worst by "
        "{worst}; above {limit}, or {row_limit} in one row, it is wrong."
    )
    return words.format(**{name: f"{share:.0%}" for name, share in shares.items()})


def _roots(held: Mapping[str, Any]) -> str:
    honest, claimed = held.get("recomputed_output_root"), held.get("claimed_output_root")
    if not isinstance(honest, str) or not isinstance(claimed, str) or honest == claimed:
        return ""
    words = tr(
        "What the phone sent has the fingerprint {claimed}…, not {honest}… as computed again here."
    )
    return words.format(claimed=claimed[:12], honest=honest[:12])


def _contradiction(differences: Mapping[str, Any], stage: object) -> str:
    if not differences:
        return ""
    words = tr("For stage {stage} it signed two receipts that differ in: {fields}.")
    return words.format(stage=stage, fields=listed(sorted(map(str, differences))))


def _circumstances(held: Mapping[str, Any]) -> str:
    receipt = _record(held, "receipt")
    steps, transaction = receipt.get("steps"), receipt.get("transaction")
    if not isinstance(transaction, str):
        return ""
    if not isinstance(steps, int):
        return tr("It signed for this in transaction {transaction}.").format(
            transaction=transaction
        )
    words = tr("It signed for these {steps} steps in transaction {transaction}.")
    return words.format(steps=f"{steps:,}", transaction=transaction)
