"""What a request says of its pictures: the root over each file, and over what was sent of it.

Phones sign for the request by its digest, and the first one for the pixels that it read. Both are
Merkle roots (RFC 6962), so that a file proves itself unchanged, and its pixels were those read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from app.proof.records.json_fields import Fields, records, text, whole_number
from workers.identity.merkle import leaf_hash, root_hash
from workers.identity.transcript import step_leaves
from workers.identity.weight_tree import WEIGHT_CHUNK_BYTES
from workers.protocol.wire import Tensor


@dataclass(frozen=True)
class SquareText:
    """What was sent in place of tokens from a position on; `root` is over its leaves."""

    position: int
    root: str


@dataclass(frozen=True)
class PictureText:
    """A file: its size, the root over its bytes in pieces of 4,096, and what was made of it."""

    size_bytes: int
    root: str
    squares: tuple[SquareText, ...]

    @classmethod
    def of(cls, file: bytes, squares: Sequence[tuple[int, Tensor]]) -> Self:
        """Return what is said of a file of which these pixels were made."""
        return cls(
            len(file),
            file_root(file),
            tuple(SquareText(at, root_hash(step_leaves(each, at)).hex()) for at, each in squares),
        )

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Return what JSON says. Raises `BadInputError`."""
        squares = (
            SquareText(whole_number(each, "position"), text(each, "root"))
            for each in records(fields, "squares")
        )
        return cls(whole_number(fields, "size_bytes"), text(fields, "root"), tuple(squares))

    def fields(self) -> Mapping[str, Any]:
        """Return it as JSON has it."""
        squares = [{"position": each.position, "root": each.root} for each in self.squares]
        return {"size_bytes": self.size_bytes, "root": self.root, "squares": squares}


def file_root(file: bytes) -> str:
    """Return the root over a file's bytes, hexadecimal."""
    starts = range(0, len(file), WEIGHT_CHUNK_BYTES)
    return root_hash([leaf_hash(file[at : at + WEIGHT_CHUNK_BYTES]) for at in starts]).hex()
