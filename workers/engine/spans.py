"""Spans this worker holds: loaded from verified files, known by the id the host gave them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workers.engine.engine import ShardEngine
from workers.engine.memory import available_bytes, require_memory
from workers.engine.store import referenced_files, verified_path
from workers.errors import RequestRefusedError, StoreError
from workers.identity.weight_tree import WeightFile, weight_root
from workers.protocol.commands import MAXIMUM_SPANS, Load, StoredFile


@dataclass(frozen=True)
class LoadedSpan:
    """A loaded span."""

    identifier: str
    graph: str
    weights: tuple[WeightFile, ...]
    threads: int
    engine: ShardEngine


class SpanTable:
    """Loads, finds and unloads spans."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._spans: dict[str, LoadedSpan] = {}
        self._roots: dict[str, str] = {}
        """Of weight files loaded before, by their SHA-256."""

    def load(self, command: Load) -> LoadedSpan:
        """Verify the files, then load the span a command describes.

        Raises a `ReportedError` naming what is wrong; nothing is kept then.
        """
        identifier, shape, threads = command.span, command.shape, command.threads
        if identifier in self._spans:
            raise RequestRefusedError("span.loaded_already", span=identifier)
        if len(self._spans) >= MAXIMUM_SPANS:
            raise RequestRefusedError("span.too_many", limit=MAXIMUM_SPANS)
        graph_path = self._verify(command.graph, command.blobs)
        weight_bytes = sum(blob.size_bytes for blob in command.blobs)
        require_memory(weight_bytes + shape.kv_bytes, available_bytes())
        engine = ShardEngine(graph_path, shape, threads)
        weights = tuple(map(self._weight_file, command.blobs))
        span = LoadedSpan(identifier, command.graph, weights, threads, engine)
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
            raise RequestRefusedError("span.not_loaded", span=identifier)
        return span

    @property
    def identifiers(self) -> tuple[str, ...]:
        """Ids of the loaded spans."""
        return tuple(self._spans)

    @property
    def kv_bytes(self) -> int:
        """Attention cache of all loaded spans."""
        return sum(span.engine.kv_bytes for span in self._spans.values())

    def _weight_file(self, blob: StoredFile) -> WeightFile:
        """Return a file that was verified with the root over its bytes, worked out once."""
        if blob.sha256 not in self._roots:
            self._roots[blob.sha256] = weight_root(self._store / blob.sha256)
        return WeightFile(blob.sha256, blob.size_bytes, self._roots[blob.sha256])

    def _verify(self, graph: str, blobs: Sequence[StoredFile]) -> Path:
        graph_path = verified_path(self._store, graph)
        for blob in blobs:
            verified_path(self._store, blob.sha256, blob.size_bytes)
        listed = {blob.sha256 for blob in blobs}
        for digest in referenced_files(graph_path) - listed:
            raise StoreError("graph.refers_to_unlisted", file=digest)
        return graph_path
