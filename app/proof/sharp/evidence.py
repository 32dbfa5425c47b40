"""What a sharp test leaves behind: all that its verdict follows from, for others to judge again.

The verdict that is journalled is what `convinces` makes of these bytes and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import rfc8785

from app.core.errors import BadInputError
from app.proof.case import AuditStep
from app.proof.records.json_fields import (
    Fields,
    flag,
    json_object,
    octets,
    record,
    records,
    text,
    whole_number,
    whole_numbers,
)
from app.proof.records.sampling_fields import read_sampling, read_steering, steering_fields
from app.proof.records.tensor_fields import read_tensor, written
from workers.errors import WireError
from workers.identity.digests import sampling_fields
from workers.protocol.bounds import read_fields, write_fields
from workers.protocol.forms import field_forms
from workers.protocol.sampling_rule import SamplingRule
from workers.protocol.span_shape import RowForm, SpanShape
from workers.protocol.wire import Tensor

SHARP_EVIDENCE_TYPE: Final = "poip/v1/sharp-evidence"
_SHAPE: Final = field_forms(SpanShape)
_UNSAID: Final = {"cache_rows": RowForm.F32.value}
"""What evidence from before caches had forms does not say of a span."""


@dataclass(frozen=True)
class Signed:
    """Bytes with their Ed25519 signature."""

    data: bytes
    signature: bytes


@dataclass(frozen=True)
class ShownRows:
    """Rows of states by the numbers of their leaves, and what leads from them to the root."""

    rows: Mapping[int, Tensor]
    proof: tuple[bytes, ...]


@dataclass(frozen=True)
class SharpEvidence:
    """One stage run again: what was signed before and after, what was drawn and what was shown."""

    public_key: bytes
    receipt: Signed
    statement: Signed
    shape: SpanShape
    sampling: SamplingRule
    steps: tuple[AuditStep, ...]
    canary: tuple[Tensor, ...]
    """The products that the numerical class is a digest of."""
    seed: bytes
    """What draws follow from."""
    rows: int
    operators: int
    """How many were drawn."""
    all_ends: bool
    """Whether the end of every row was looked at."""
    shown: tuple[ShownRows, ...]

    def content(self) -> bytes:
        """Return the bytes whose SHA-256 stands for the evidence."""
        return rfc8785.dumps(
            {
                "type": SHARP_EVIDENCE_TYPE,
                "public_key": self.public_key.hex(),
                "receipt": _signed_fields(self.receipt),
                "statement": _signed_fields(self.statement),
                "shape": write_fields(_SHAPE, self.shape),
                "sampling": sampling_fields(self.sampling),
                "steps": [_step_fields(step) for step in self.steps],
                "canary": [written(each) for each in self.canary],
                "seed": self.seed.hex(),
                "rows": self.rows,
                "operators": self.operators,
                "all_ends": self.all_ends,
                "shown": [_shown_fields(each) for each in self.shown],
            }
        )

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Return what such bytes say. Raises `BadInputError` for any other."""
        fields = json_object(data)
        if fields.get("type") != SHARP_EVIDENCE_TYPE:
            raise BadInputError("proof.odd_field", field="type")
        try:
            shape = SpanShape(*read_fields(_SHAPE, _UNSAID | dict(record(fields, "shape"))))
        except WireError:
            raise BadInputError("proof.odd_field", field="shape") from None
        return cls(
            octets(fields, "public_key", 32),
            _signed(record(fields, "receipt")),
            _signed(record(fields, "statement")),
            shape,
            read_sampling(record(fields, "sampling")),
            tuple(_step(each) for each in records(fields, "steps")),
            tuple(read_tensor(each) for each in records(fields, "canary")),
            octets(fields, "seed"),
            whole_number(fields, "rows"),
            whole_number(fields, "operators"),
            flag(fields, "all_ends"),
            tuple(_shown(each) for each in records(fields, "shown")),
        )


def _signed_fields(signed: Signed) -> dict[str, Any]:
    return {"data": signed.data.decode(), "signature": signed.signature.hex()}


def _signed(fields: Fields) -> Signed:
    return Signed(text(fields, "data").encode(), octets(fields, "signature", 64))


def _step_fields(step: AuditStep) -> dict[str, Any]:
    return {
        "position": step.position,
        "wants_token": step.wants_token,
        "generated": step.generated,
        "inputs": written(step.inputs),
        "claimed": None if step.claimed is None else written(step.claimed),
        "steering": steering_fields(step.steering),
        **({} if step.grounds is None else {"grounds": written(step.grounds)}),
    }


def _step(fields: Fields) -> AuditStep:
    unclaimed = fields.get("claimed") is None
    return AuditStep(
        whole_number(fields, "position"),
        read_tensor(record(fields, "inputs")),
        flag(fields, "wants_token"),
        whole_number(fields, "generated"),
        None if unclaimed else read_tensor(record(fields, "claimed")),
        read_steering(record(fields, "steering")),
        read_tensor(record(fields, "grounds")) if "grounds" in fields else None,
    )


def _shown_fields(shown: ShownRows) -> dict[str, Any]:
    return {
        "leaves": list(shown.rows),
        "rows": [written(row) for row in shown.rows.values()],
        "proof": [each.hex() for each in shown.proof],
    }


def _shown(fields: Fields) -> ShownRows:
    leaves, rows = whole_numbers(fields, "leaves"), records(fields, "rows")
    if len(leaves) != len(rows):
        raise BadInputError("proof.odd_field", field="leaves")
    return ShownRows(
        {leaf: read_tensor(row) for leaf, row in zip(leaves, rows, strict=True)},
        tuple(_hashes(fields.get("proof"))),
    )


def _hashes(value: object) -> Sequence[bytes]:
    if not isinstance(value, list):
        raise BadInputError("proof.odd_field", field="proof")
    return [octets({"hash": each}, "hash", 32) for each in value]
