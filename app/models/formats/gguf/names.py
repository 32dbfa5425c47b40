"""Which tensor of a GGUF file is which of a checkpoint: the converter's own table."""

from __future__ import annotations

from gguf.constants import MODEL_ARCH, MODEL_ARCH_NAMES
from gguf.tensor_mapping import get_tensor_name_map

from app.models.formats.gguf.configuration import HEAD, gguf_architecture
from app.models.formats.gguf.header import GgufHeader

_HEAD_MATRIX = "lm_head.weight"
_SUFFIXES = (".weight", ".bias")
_ARCHITECTURES: dict[str, MODEL_ARCH] = {name: arch for arch, name in MODEL_ARCH_NAMES.items()}


class GgufTensorNames:
    """The names of one file's architecture, for as many layers as it has."""

    def __init__(self, header: GgufHeader) -> None:
        key, _ = gguf_architecture(header)
        layers = header.values.get(f"{key}.block_count", 0)
        count = layers if isinstance(layers, int) else 0
        self._map = get_tensor_name_map(_ARCHITECTURES[key], count)

    def stored(self, tensor: str) -> str:
        """Return the name in the file, empty where the architecture has no such tensor."""
        if tensor == _HEAD_MATRIX:
            return HEAD
        return self._map.get_name(tensor, try_suffixes=_SUFFIXES) or ""
