"""Weights as torch saves them (`pytorch_model.bin`), read without torch and without running code.

Such a file is a zip archive of raw storages and a pickle that says which tensor lies where. A
pickle can call anything that it names; this reader knows nine names, of which none does anything
but note what it was given. Everything else is refused.
"""

from __future__ import annotations

import pickle
import struct
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from math import prod
from pathlib import Path
from pickletools import genops
from typing import IO, Any, Final
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

MAXIMUM_PICKLE_BYTES: Final = 64 << 20
_LOCAL_HEADER: Final = struct.Struct("<26xHH")
"""Of a zip archive's entry: the lengths of its name and of what else stands before its bytes."""
_ELEMENTS: Final[Mapping[str, tuple[str, Any]]] = {
    "FloatStorage": ("F32", np.float32),
    "HalfStorage": ("F16", np.float16),
    "BFloat16Storage": ("BF16", ml_dtypes.bfloat16),
    "LongStorage": ("I64", np.int64),
    "BoolStorage": ("BOOL", np.bool_),
    "ByteStorage": ("U8", np.uint8),
}


class TorchFileError(ValueError):
    """A file that is none of torch's, or asks for more than tensors."""


@dataclass(frozen=True, slots=True)
class _Storage:
    kind: str
    key: str
    count: int


@dataclass(frozen=True, slots=True)
class TorchTensor:
    """A tensor that stays in its file; what is sliced of it is mapped.

    It has slots and is frozen, so that a pickle cannot alter one that it was given.
    """

    storage: _Storage
    first: int
    shape: tuple[int, ...]
    place: tuple[Path, int] | None = None

    def get_shape(self) -> list[int]:
        """Return the size of each dimension."""
        return list(self.shape)

    def get_dtype(self) -> str:
        """Return the name of its type, as safetensors calls it."""
        return _ELEMENTS[self.storage.kind][0]

    def __getitem__(self, wanted: Any) -> NDArray[Any]:  # noqa: ANN401 - as numpy takes it
        if self.place is None:
            raise TorchFileError(self.storage.key)
        (file, offset_bytes), element = self.place, np.dtype(_ELEMENTS[self.storage.kind][1])
        start = offset_bytes + self.first * element.itemsize
        mapped = np.memmap(file, element, "r", start, self.shape)
        return np.array(mapped[wanted])


class TorchFile:
    """One opened file: tensors by name."""

    def __init__(self, path: Path) -> None:
        try:
            with ZipFile(path) as archive, path.open("rb") as content:
                self._tensors = dict(_placed(path, archive, content))
        except (TorchFileError, OSError):
            raise
        except Exception as error:  # a pickle can break its reader in any way
            raise TorchFileError(type(error).__name__) from error

    def keys(self) -> list[str]:
        """Return the tensors' names."""
        return list(self._tensors)

    def get_slice(self, name: str) -> TorchTensor:
        """Return a tensor, of which rows are taken by slicing."""
        return self._tensors[name]

    def get_tensor(self, name: str) -> NDArray[Any]:
        """Return a whole tensor."""
        return self._tensors[name][...]


def _placed(path: Path, archive: ZipFile, content: IO[bytes]) -> Iterator[tuple[str, TorchTensor]]:
    entries = {info.filename.partition("/")[2]: info for info in archive.infolist()}
    listed = entries["data.pkl"]
    if listed.file_size > MAXIMUM_PICKLE_BYTES:
        raise TorchFileError(listed.file_size)
    pickled = archive.read(listed)
    _refuse_far_memos(pickled)
    tensors = _Unpickler(BytesIO(pickled)).load()
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, TorchTensor):
            raise TorchFileError(type(tensor).__name__)
        info = entries[f"data/{tensor.storage.key}"]
        item_bytes = np.dtype(_ELEMENTS[tensor.storage.kind][1]).itemsize
        if info.compress_type != ZIP_STORED or info.file_size < tensor.storage.count * item_bytes:
            raise TorchFileError(info.filename)
        yield name, replace(tensor, place=(path, _begin(info, content)))


def _refuse_far_memos(pickled: bytes) -> None:
    """Refuse notes at places beyond any that are needed, for which a reader makes room."""
    for operation, argument, _ in genops(pickled):
        if operation.name.endswith("PUT") and isinstance(argument, int) and argument > len(pickled):
            raise TorchFileError(operation.name)


def _begin(info: ZipInfo, content: IO[bytes]) -> int:
    content.seek(info.header_offset)
    name_bytes, extra_bytes = _LOCAL_HEADER.unpack(content.read(_LOCAL_HEADER.size))
    return info.header_offset + _LOCAL_HEADER.size + int(name_bytes) + int(extra_bytes)


class _Unpickler(pickle.Unpickler):
    """Reads a state dictionary and nothing else."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - as pickle has it
        if module == "torch" and name in _ELEMENTS:
            return name
        known = _KNOWN.get((module, name))
        if known is None:
            raise TorchFileError(f"{module}.{name}")
        return known

    def persistent_load(self, pid: Any) -> _Storage:  # noqa: ANN401 - as pickle has it
        _, kind, key, _, count = pid
        if kind not in _ELEMENTS or not isinstance(key, str) or not _is_size(count):
            raise TorchFileError(kind)
        return _Storage(kind, key, count)


def _rebuilt(
    storage: _Storage, first: int, shape: tuple[int, ...], strides: tuple[int, ...], *_rest: object
) -> TorchTensor:
    """Note a tensor of a storage; its numbers must follow each other, and lie within."""
    if not all(map(_is_size, (first, *shape, *strides))):
        raise TorchFileError(storage.key)
    if len(strides) != len(shape):
        raise TorchFileError(storage.key)
    usual = tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))
    follow = all(
        one == other for one, other, size in zip(strides, usual, shape, strict=True) if size > 1
    )
    if not follow or first + prod(shape) > storage.count:
        raise TorchFileError(storage.key)
    return TorchTensor(storage, first, shape)


def _parameter(tensor: TorchTensor, *_rest: object) -> TorchTensor:
    return tensor


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


_KNOWN: Final[Mapping[tuple[str, str], Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuilt,
    ("torch._utils", "_rebuild_parameter"): _parameter,
}
