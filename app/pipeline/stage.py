"""A stage of the ring as the host drives it."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.identifiers import Serial
from app.pipeline.worker_client import WorkerClient


@dataclass(frozen=True)
class Stage:
    """A worker and the span loaded on it."""

    client: WorkerClient
    span: str

    @property
    def serial(self) -> Serial:
        """The phone's serial."""
        return self.client.serial
