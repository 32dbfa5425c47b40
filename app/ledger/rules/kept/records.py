"""Records by name, of which those at rest are kept packed: a million fit into memory."""

from __future__ import annotations

import zlib
from collections import ChainMap
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from itertools import islice
from typing import Final, Generic, Self, TypeVar, cast

from app.core.errors import LedgerError
from app.ledger.rules.kept.packing import Packing

_Value = TypeVar("_Value")
_LABEL_BYTES: Final = 8
_LEVEL: Final = 1
_KEPT_UNPACKED: Final = 256
MOST_PACKED_BYTES: Final = 16 << 20
"""A record unpacked: what is larger is none of ours."""


@dataclass(frozen=True)
class RecordKind(Generic[_Value]):
    """What records are: how they are packed, which are at rest, and what they are found by."""

    packing: Packing[_Value]
    rests: Callable[[_Value], bool]
    label: Callable[[_Value], int]
    """A number from 0 to 2^64 - 1, which a packed record shows without being unpacked."""


class KeptRecords(MutableMapping[str, _Value]):
    """Records by name; a draft holds what it changes and looks up the rest below it."""

    def __init__(
        self, kind: RecordKind[_Value], below: ChainMap[str, _Value | bytes] | None = None
    ) -> None:
        self._kind = kind
        self._kept = ChainMap[str, "_Value | bytes"]() if below is None else below.new_child()
        self._is_draft = below is not None
        self._lately: dict[bytes, _Value] = {}
        self.packed_since: dict[str, None] = {}
        """Names of records packed anew (`take_packed_since`)."""

    def draft(self) -> Self:
        """Return records that begin as these and can be changed without them."""
        draft = type(self)(self._kind, self._kept)
        draft._lately = self._lately  # noqa: SLF001 - its own kind
        return draft

    def labelled(self, label: int) -> Iterator[_Value]:
        """Yield the records with that label, in order of their names' first use."""
        prefix = label.to_bytes(_LABEL_BYTES, "big")
        for kept in list(self._kept.values()):
            if isinstance(kept, bytes):
                if kept.startswith(prefix):
                    yield self._unpacked(kept)
            elif self._kind.label(kept) == label:
                yield kept

    def newest(self, count: int) -> list[str]:
        """Return the names that came last, the newest first; those of drafts above all others."""
        maps = cast(list[dict[str, object]], self._kept.maps)
        names = (name for kept in maps for name in reversed(kept))
        return list(islice(dict.fromkeys(islice(names, 2 * count)), count))

    def at_work(self) -> Iterator[_Value]:
        """Yield the records that are not at rest."""
        maps = self._kept.maps  # a chain of one is many times slower than what is in it
        values = maps[0].values() if len(maps) == 1 else self._kept.values()
        return (kept for kept in values if not isinstance(kept, bytes))

    def take_packed_since(self) -> list[tuple[str, bytes]]:
        """Return the records packed anew since this was asked last."""
        taken = [(name, self.packed(name)) for name in self.packed_since]
        self.packed_since = {}
        return taken

    def packed(self, name: str) -> bytes:
        """Return a record that is at rest as it is kept."""
        kept = self._kept[name]
        return kept if isinstance(kept, bytes) else self._packed(kept)

    def put_packed(self, name: str, content: bytes) -> None:
        """Take over a record as `packed` gave it."""
        self._kept[name] = content

    def __getitem__(self, name: str) -> _Value:
        kept = self._kept[name]
        return self._unpacked_lately(kept) if isinstance(kept, bytes) else kept

    def __setitem__(self, name: str, record: _Value) -> None:
        if self._is_draft or not self._kind.rests(record):
            self._kept[name] = record
        else:
            self._kept[name] = self._packed(record)
            self.packed_since[name] = None

    def __delitem__(self, name: str) -> None:
        del self._kept[name]

    def __contains__(self, name: object) -> bool:
        return name in self._kept

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def _packed(self, record: _Value) -> bytes:
        label = self._kind.label(record).to_bytes(_LABEL_BYTES, "big")
        return label + zlib.compress(self._kind.packing.packed(record), _LEVEL)

    def _unpacked_lately(self, kept: bytes) -> _Value:
        """Return a record unpacked: those at the newest end are asked for again and again."""
        if kept not in self._lately:
            if len(self._lately) >= _KEPT_UNPACKED:
                self._lately.clear()
            self._lately[kept] = self._unpacked(kept)
        return self._lately[kept]

    def _unpacked(self, kept: bytes) -> _Value:
        reader = zlib.decompressobj()
        try:
            content = reader.decompress(kept[_LABEL_BYTES:], MOST_PACKED_BYTES)
        except zlib.error:
            raise LedgerError("snapshot.unreadable") from None
        return self._kind.packing.unpacked(content)
