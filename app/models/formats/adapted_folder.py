"""A checkpoint with an adapter merged into it, as it is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from app.core.errors import BadInputError
from app.models.chat.chat_template import ChatTemplate
from app.models.formats.adapter import ADAPTER_FILE, ADAPTER_WEIGHTS, Adapter, LowRank
from app.models.formats.model_folder import Float32Array, ModelFolder, PackedRows
from app.models.formats.tensor_names import names_of


class AdaptedFolder(ModelFolder):
    """What the base's folder says, its weights changed."""

    def __init__(self, base: ModelFolder, adapter: Adapter) -> None:
        super().__init__(base.folder, base.configuration)
        own = (adapter.folder / ADAPTER_WEIGHTS, adapter.folder / ADAPTER_FILE)
        self.weight_files = (*base.weight_files, *own)
        self._base = base
        self._adapter = adapter

    def require_targets(self, tensors: Iterable[str]) -> None:
        """Raise `BadInputError` where the adapter changes what a model has no such tensor of."""
        known = {name for tensor in tensors for name in names_of(tensor)}
        for target in sorted(self._adapter.targets - known):
            raise BadInputError(
                "adapter.of_other_model", tensor=target, base=self._adapter.base or "?"
            )

    def require(self, tensor: str, shape: tuple[int, ...]) -> None:
        """Refuse what the base does, and changes of another shape."""
        self._base.require(tensor, shape)
        added, put = self._sum(tensor), self._replacement(tensor)
        found = added.stored_shape if added else shape if put is None else put.shape
        if found != shape:
            raise BadInputError(
                "adapter.of_other_model", tensor=tensor, base=self._adapter.base or "?"
            )

    def pieces(
        self, tensor: str, rows: Sequence[tuple[int, int]] = (), *, transposed: bool = False
    ) -> Iterator[Float32Array]:
        """Yield a tensor's rows with what the adapter makes of them."""
        put = self._replacement(tensor)
        if put is not None:
            turned = put.T if transposed else put
            for first, after in rows or [(0, len(turned))]:
                yield np.ascontiguousarray(turned[first:after])
            return
        pieces = self._base.pieces(tensor, rows, transposed=transposed)
        added = self._sum(tensor)
        if added is None:
            yield from pieces
            return
        for piece in _summed(pieces, added, rows):
            if not np.isfinite(piece).all():
                raise BadInputError("tensor.not_finite", tensor=tensor)
            yield piece

    def packed_pieces(
        self, tensor: str, rows: Sequence[tuple[int, int]], bits: int
    ) -> Iterator[PackedRows] | None:
        """Return the base's own blocks of what the adapter leaves alone."""
        changed = self._sum(tensor) is not None or self._replacement(tensor) is not None
        return None if changed else self._base.packed_pieces(tensor, rows, bits)

    def is_quantized(self, tensor: str) -> bool:
        """Return whether a tensor is stored in few bits, in blocks of another kind than ours."""
        return self._base.is_quantized(tensor)

    @property
    def tokenizer_content(self) -> bytes | None:
        """What the base's `tokenizer.json` holds."""
        return self._base.tokenizer_content

    @property
    def chat_template(self) -> ChatTemplate | None:
        """How the base wants conversations written."""
        return self._base.chat_template

    @property
    def end_tokens(self) -> tuple[int, ...]:
        """Tokens that end a text."""
        return self._base.end_tokens

    def _sum(self, tensor: str) -> LowRank | None:
        found = (self._adapter.sums.get(name) for name in names_of(tensor))
        return next((added for added in found if added is not None), None)

    def _replacement(self, tensor: str) -> Float32Array | None:
        found = (self._adapter.replaced.get(name) for name in names_of(tensor))
        return next((values for values in found if values is not None), None)


def _summed(
    pieces: Iterator[Float32Array], added: LowRank, rows: Sequence[tuple[int, int]]
) -> Iterator[Float32Array]:
    """Add to pieces that follow each other through the ranges of rows."""
    ranges = list(rows) or [(0, added.shape[0])]
    first, after = ranges.pop(0)
    for piece in pieces:
        if first == after:
            first, after = ranges.pop(0)
        with np.errstate(over="ignore", invalid="ignore"):
            changed = piece + added.rows(first, first + len(piece))
        yield changed
        first += len(piece)
