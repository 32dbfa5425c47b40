"""A GGUF file, read as a checkpoint is: tensor by tensor, in pieces, as float32."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize
from numpy.typing import NDArray

from app.core.errors import BadInputError
from app.models.chat.chat_template import ChatTemplate
from app.models.files import PIECE_BYTES
from app.models.formats.gguf.configuration import gguf_architecture, gguf_configuration
from app.models.formats.gguf.header import GgufTensor, read_header
from app.models.formats.gguf.names import GgufTensorNames
from app.models.formats.gguf.tokenizer import chat_template_of, tokenizer_of
from app.models.formats.model_folder import Float32Array, ModelFolder, PackedRows

Scalar = TypeVar("Scalar", bound=np.generic)
_Type = GGMLQuantizationType
READABLE_TYPES = frozenset(
    {
        *(_Type.F32, _Type.F16, _Type.BF16),
        *(_Type.Q4_0, _Type.Q4_1, _Type.Q5_0, _Type.Q5_1, _Type.Q8_0),
        *(_Type.Q2_K, _Type.Q3_K, _Type.Q4_K, _Type.Q5_K, _Type.Q6_K),
        *(_Type.IQ4_NL, _Type.IQ4_XS),
    }
)
ALIKE = {8: _Type.Q8_0, 4: _Type.Q4_0}
"""Types whose blocks of 32 are like ours of so many bits: one scale, codes around a middle."""
NORM_SHIFT = np.float32(1.0)


class GgufCheckpoint(ModelFolder):
    """An opened file: its configuration, its weights under the names that checkpoints give them.

    What llama.cpp's converter changed is changed back: the order of rows in queries and keys, norms
    that one was added to. Raises `BadInputError` for a file that is cut short or not read here.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._header = read_header(path)
        _, self._architecture = gguf_architecture(self._header)
        super().__init__(path.parent, gguf_configuration(self._header, self._numbers))
        self.weight_files = (path,)
        self._names = GgufTensorNames(self._header)

    def require(self, tensor: str, shape: tuple[int, ...]) -> None:
        """Refuse a tensor that is missing, of another shape or of a type that is not read."""
        stored = self._stored(tensor)
        if stored.shape != shape:
            raise BadInputError(
                "tensor.of_other_shape",
                tensor=tensor,
                found=str(stored.shape),
                expected=str(shape),
            )
        if stored.kind not in READABLE_TYPES:
            readable = tuple(sorted(kind.name for kind in READABLE_TYPES))
            kind = stored.kind.name
            raise BadInputError(
                "tensor.type_unreadable", tensor=tensor, type=kind, readable=readable
            )

    def pieces(
        self, tensor: str, rows: Sequence[tuple[int, int]] = (), *, transposed: bool = False
    ) -> Iterator[Float32Array]:
        """Yield a tensor as float32 arrays of consecutive rows, a few megabytes each."""
        stored = self._stored(tensor)
        if transposed or len(stored.shape) == 1:
            whole = self._whole(tensor, stored)
            turned = whole.T if transposed else whole
            for first, after in rows or [(0, len(turned))]:
                yield np.ascontiguousarray(turned[first:after])
            return
        for first, after in rows or [(0, stored.shape[0])]:
            for start, end in self._steps(tensor, stored, first, after):
                yield self._piece(tensor, stored, start, end)

    def packed_pieces(
        self, tensor: str, rows: Sequence[tuple[int, int]], bits: int
    ) -> Iterator[PackedRows] | None:
        """Return the blocks of a Q8_0 or Q4_0 tensor as our q8 or q4: the same numbers."""
        stored = self._stored(tensor)
        if ALIKE.get(bits) is not stored.kind or len(stored.shape) != 2:
            return None
        return self._packed(tensor, stored, rows)

    def _packed(
        self, tensor: str, stored: GgufTensor, rows: Sequence[tuple[int, int]]
    ) -> Iterator[PackedRows]:
        for first, after in rows or [(0, stored.shape[0])]:
            for start, end in self._steps(tensor, stored, first, after):
                raw = self._raw(stored, start, end)
                ordered = unpermuted(raw, self._head_rows) if self._permuted(tensor) else raw
                codes, scales = own_blocks(ordered, stored.kind)
                if not np.isfinite(scales).all():
                    raise BadInputError("tensor.not_finite", tensor=tensor)
                yield codes, scales

    @property
    def end_tokens(self) -> tuple[int, ...]:
        """Tokens that end a text, or a turn of a conversation."""
        return self.configuration.tokens("eos_token_id")

    @property
    def tokenizer_content(self) -> bytes | None:
        """The `tokenizer.json` made of the file's vocabulary; None where it has none."""
        return tokenizer_of(self._header, self._path.name)

    @property
    def chat_template(self) -> ChatTemplate | None:
        """How the model wants conversations written, or None where the file does not say."""
        return chat_template_of(self._header)

    def _stored(self, tensor: str) -> GgufTensor:
        found = self._header.tensors.get(self._names.stored(tensor))
        if found is None:
            raise BadInputError("tensor.missing", tensor=tensor)
        return found

    def _numbers(self, stored_name: str) -> tuple[float, ...]:
        """Return a small tensor's numbers, under its name in the file."""
        values = self._decoded(self._header.tensors[stored_name], 0, 1)
        return tuple(float(value) for value in values.ravel())

    def _steps(
        self, tensor: str, stored: GgufTensor, first: int, after: int
    ) -> Iterator[tuple[int, int]]:
        """Yield ranges of rows of a few megabytes; those of permuted tensors hold whole heads."""
        step = max(1, PIECE_BYTES // (4 * stored.shape[-1]))
        if self._permuted(tensor):
            head = self._head_rows
            step = max(head, step // head * head)
        for start in range(first, after, step):
            yield start, min(start + step, after)

    @property
    def _head_rows(self) -> int:
        return self.configuration.dimension("head_dim")

    def _permuted(self, tensor: str) -> bool:
        return self._architecture.permuted and any(
            part in tensor for part in (".q_proj.", ".k_proj.")
        )

    def _whole(self, tensor: str, stored: GgufTensor) -> Float32Array:
        rows = stored.shape[0] if len(stored.shape) > 1 else 1
        whole = self._decoded(stored, 0, rows).reshape(stored.shape)
        return self._checked(tensor, whole)

    def _piece(self, tensor: str, stored: GgufTensor, first: int, after: int) -> Float32Array:
        return self._checked(tensor, self._decoded(stored, first, after))

    def _checked(self, tensor: str, values: Float32Array) -> Float32Array:
        """Return values as the checkpoint has them: rows in order, norms unshifted, all finite."""
        if not np.isfinite(values).all():
            raise BadInputError("tensor.not_finite", tensor=tensor)
        if self._permuted(tensor):
            return unpermuted(values, self._head_rows)
        if self._architecture.norms_shifted and tensor.endswith("norm.weight"):
            return values - NORM_SHIFT
        return values

    def _decoded(self, stored: GgufTensor, first: int, after: int) -> Float32Array:
        raw = self._raw(stored, first, after)
        decoded: Float32Array = dequantize(raw, stored.kind)
        return decoded.astype(np.float32, copy=False)

    def _raw(self, stored: GgufTensor, first: int, after: int) -> NDArray[np.uint8]:
        """Return the bytes of rows [after - first, bytes of a row]."""
        wanted = (after - first) * stored.row_bytes
        with self._path.open("rb") as file:
            file.seek(stored.offset_bytes + first * stored.row_bytes)
            content = file.read(wanted)
        if len(content) != wanted:
            raise BadInputError("gguf.changed", file=self._path.name)
        return np.frombuffer(content, np.uint8).reshape(after - first, stored.row_bytes)


def own_blocks(raw: NDArray[np.uint8], kind: GGMLQuantizationType) -> PackedRows:
    """Return rows of Q8_0 or Q4_0 blocks as codes and scales in the layout of MatMulNBits.

    Both hold a float16 scale and 32 codes; Q4_0 has the second half of a block in the high nibbles,
    where MatMulNBits has every second code.
    """
    blocks = raw.reshape(len(raw), -1, GGML_QUANT_SIZES[kind][1])
    scales = blocks[..., :2].copy().view("<f2")[..., 0].astype(np.float32)
    content = blocks[..., 2:]
    if kind is _Type.Q8_0:
        return content ^ np.uint8(0x80), scales
    codes = np.concatenate((content & np.uint8(15), content >> np.uint8(4)), axis=-1)
    return codes[..., 0::2] | (codes[..., 1::2] << np.uint8(4)), scales


def unpermuted(rows: NDArray[Scalar], head_rows: int) -> NDArray[Scalar]:
    """Return whole heads' rows as checkpoints have them: both halves of a head one after the other.

    llama.cpp turns neighbouring elements together, checkpoints those half a head apart; its
    converter therefore weaves the halves (`LlamaModel.permute` in convert_hf_to_gguf.py).
    """
    heads = rows.reshape(-1, head_rows // 2, 2, *rows.shape[1:])
    return np.ascontiguousarray(heads.swapaxes(1, 2)).reshape(rows.shape)
