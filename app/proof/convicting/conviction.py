"""One wrong operator of a stage, or its wrong end, with all that it takes to see that.

One file: the signed receipt and statement, the inputs, the states that were opened, the graph, the
model's manifest, and the rows of weights that are needed with their proofs.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Final, Self

import rfc8785

from app.core.errors import BadInputError
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
from app.proof.sharp.evidence import SHARP_EVIDENCE_TYPE, SharpEvidence
from app.proof.weights.proven import ShownChunks
from workers.identity.weight_tree import WeightFile

CONVICTION_TYPE: Final = "poip/v1/conviction"
_OWN_WORD: Final = "poip/"
ALL_OF_IT: Final = -1
"""Instead of an operator: the end of the stage. Instead of a number: none stands out."""


@dataclass(frozen=True)
class Accused:
    """What is said to be wrong."""

    operator: int
    """Its place in the graph, or `ALL_OF_IT`."""
    row: int
    """Or the step, where the end of a stage has a row for each step."""
    reads_cache: bool = False
    number: int = ALL_OF_IT
    """Of a product, the number that lies furthest off."""
    token: bool = False
    """Whether it is the token chosen at the end of a step, and not the figures told of it."""
    final_row: bool = False
    """Whether it is what went into the head there, and not what came of it."""

    def to_fields(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "operator": self.operator + 1,
            "row": self.row,
            "reads_cache": self.reads_cache,
            "number": self.number + 1,
            "token": self.token,
            **({"final_row": True} if self.final_row else {}),
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Return what such values say. Raises `BadInputError`."""
        return cls(
            whole_number(fields, "operator") - 1,
            whole_number(fields, "row"),
            flag(fields, "reads_cache"),
            whole_number(fields, "number") - 1,
            "token" in fields and flag(fields, "token"),
            "final_row" in fields and flag(fields, "final_row"),
        )


@dataclass(frozen=True)
class Conviction:
    """All of it; `test` shows no more than the accused operator takes."""

    test: SharpEvidence
    accused: Accused
    graph: bytes
    model: str
    """The manifest, as its digest is over it."""
    files: tuple[WeightFile, ...]
    """Of the shard, as the phone signed for them."""
    chunks: tuple[ShownChunks, ...]

    def content(self) -> bytes:
        """Return the bytes whose SHA-256 stands for it."""
        return rfc8785.dumps(
            {
                "type": CONVICTION_TYPE,
                "test": self.test.content().decode(),
                "accused": self.accused.to_fields(),
                "graph": base64.b64encode(self.graph).decode(),
                "model": self.model,
                "files": [[each.sha256, each.size_bytes, each.root] for each in self.files],
                "chunks": [_chunks_fields(each) for each in self.chunks],
            }
        )

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Return what such bytes say. Raises `BadInputError` for any other."""
        fields = _typed(data)
        return cls(
            SharpEvidence.read(text(fields, "test").encode()),
            Accused.read(record(fields, "accused")),
            _packed(fields, "graph"),
            text(fields, "model"),
            tuple(_file(each) for each in _lists(fields, "files")),
            tuple(_chunks(each) for each in records(fields, "chunks")),
        )


def _typed(data: bytes) -> Fields:
    """Return the fields of a conviction; what else it is, or that it was cut, is told."""
    try:
        fields = json_object(data)
    except BadInputError:
        cut = data.lstrip()[:1] == b"{"
        raise BadInputError("evidence.cut" if cut else "evidence.none") from None
    named = fields.get("type")
    if named == SHARP_EVIDENCE_TYPE:
        raise BadInputError("evidence.of_a_test")
    if named != CONVICTION_TYPE:
        ours = isinstance(named, str) and named.startswith(_OWN_WORD)
        raise BadInputError("evidence.of_another_form" if ours else "evidence.none")
    return fields


def _chunks_fields(shown: ShownChunks) -> dict[str, Any]:
    return {
        "file": shown.file,
        "numbers": list(shown.chunks),
        "data": [base64.b64encode(each).decode() for each in shown.chunks.values()],
        "proof": [each.hex() for each in shown.proof],
    }


def _chunks(fields: Fields) -> ShownChunks:
    numbers, data = whole_numbers(fields, "numbers"), _texts(fields, "data")
    if len(numbers) != len(data) or len(set(numbers)) != len(numbers):
        raise BadInputError("proof.odd_field", field="numbers")
    chunks = {
        number: _packed({"data": each}, "data") for number, each in zip(numbers, data, strict=True)
    }
    proof = [octets({"hash": each}, "hash", 32) for each in _texts(fields, "proof")]
    return ShownChunks(text(fields, "file"), chunks, tuple(proof))


def _file(values: list[Any]) -> WeightFile:
    if len(values) != 3:
        raise BadInputError("proof.odd_field", field="files")
    fields = dict(zip(("sha256", "size_bytes", "root"), values, strict=True))
    return WeightFile(
        octets(fields, "sha256", 32).hex(),
        whole_number(fields, "size_bytes"),
        octets(fields, "root", 32).hex(),
    )


def _packed(fields: Fields, name: str) -> bytes:
    try:
        return base64.b64decode(text(fields, name), validate=True)
    except (binascii.Error, ValueError):
        raise BadInputError("proof.odd_field", field=name) from None


def _texts(fields: Fields, name: str) -> list[str]:
    value = fields.get(name)
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadInputError("proof.odd_field", field=name)
    return value


def _lists(fields: Fields, name: str) -> list[list[Any]]:
    value = fields.get(name)
    if not isinstance(value, list) or not all(isinstance(each, list) for each in value):
        raise BadInputError("proof.odd_field", field=name)
    return value
