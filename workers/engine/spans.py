"""Spans this worker holds: loaded from verified files, known by the id the host gave them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from workers.engine.engine import ShardEngine
from workers.engine.memory import available_bytes, require_memory
from workers.engine.shape import SpanShape
from workers.engine.store import referenced_files, verified_path
from workers.errors import RequestRefusedError, StoreError
from workers.protocol.fields import Fields

MAXIMUM_SPANS = 64
_MAXIMUM_LAYER = 4_096
_MAXIMUM_WIDTH = 1 << 20
_MAXIMUM_CONTEXT = 1 << 20
_MAXIMUM_FILE_BYTES = 1 << 40
_MAXIMUM_SLOTS = 1_024
_MAXIMUM_THREADS = 256


@dataclass(frozen=True)
class LoadedSpan:
    """A loaded span."""

    identifier: str
    graph: str
    threads: int
    engine: ShardEngine


class SpanTable:
    """Loads, finds and unloads spans."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._spans: dict[str, LoadedSpan] = {}

    def load(self, fields: Fields) -> LoadedSpan:
        """Verify the files, then load the span a `load` command describes.

        Raises a `WorkerError` naming what is wrong; nothing is kept then.
        """
        identifier = fields.text("span")
        if identifier in self._spans:
            raise RequestRefusedError(f"span {identifier} is already loaded")
        if len(self._spans) >= MAXIMUM_SPANS:
            raise RequestRefusedError(f"no more than {MAXIMUM_SPANS} spans can be loaded")
        shape = _shape(fields)
        graph = fields.digest("graph")
        threads = fields.integer("threads", 1, _MAXIMUM_THREADS)
        blobs = fields.items("blobs")
        graph_path = self._verify(graph, blobs)
        weight_bytes = sum(size_bytes for _digest, size_bytes in blobs)
        require_memory(weight_bytes + shape.kv_bytes, available_bytes())
        span = LoadedSpan(identifier, graph, threads, ShardEngine(graph_path, shape, threads))
        self._spans[identifier] = span
        return span

    def unload(self, identifier: str) -> None:
        """Let go of a span and its memory. Raises `RequestRefusedError` where it is unknown."""
        self.find(identifier)
        del self._spans[identifier]

    def find(self, identifier: str) -> LoadedSpan:
        """Return a loaded span. Raises `RequestRefusedError` where it is unknown."""
        span = self._spans.get(identifier)
        if span is None:
            raise RequestRefusedError(f"span {identifier} is not loaded")
        return span

    @property
    def identifiers(self) -> tuple[str, ...]:
        """Ids of the loaded spans."""
        return tuple(self._spans)

    @property
    def kv_bytes(self) -> int:
        """Attention cache of all loaded spans."""
        return sum(span.engine.kv_bytes for span in self._spans.values())

    def _verify(self, graph: str, blobs: Iterable[object]) -> Path:
        graph_path = verified_path(self._store, graph)
        listed = set()
        for blob in blobs:
            match blob:
                case [str(digest), int(size_bytes)] if 0 <= size_bytes <= _MAXIMUM_FILE_BYTES:
                    verified_path(self._store, digest, size_bytes)
                    listed.add(digest)
                case _:
                    raise RequestRefusedError("field blobs is missing or malformed")
        for digest in referenced_files(graph_path) - listed:
            raise StoreError(f"the graph refers to file {digest}, which was not listed")
        return graph_path


def _shape(fields: Fields) -> SpanShape:
    first_layer = fields.integer("first_layer", 0, _MAXIMUM_LAYER)
    return SpanShape(
        first_layer=first_layer,
        last_layer=fields.integer("last_layer", first_layer, _MAXIMUM_LAYER),
        has_embedding=fields.flag("has_embedding"),
        has_head=fields.flag("has_head"),
        hidden_size=fields.integer("hidden_size", 1, _MAXIMUM_WIDTH),
        vocabulary_size=fields.integer("vocabulary_size", 1, _MAXIMUM_WIDTH * 16),
        kv_heads=fields.integer("kv_heads", 0, _MAXIMUM_WIDTH),
        head_size=fields.integer("head_size", 1, _MAXIMUM_WIDTH),
        context_tokens=fields.integer("context_tokens", 1, _MAXIMUM_CONTEXT),
        slots=fields.integer("slots", 1, _MAXIMUM_SLOTS),
        answer_size=fields.integer("answer_size", 0, _MAXIMUM_WIDTH),
    )
