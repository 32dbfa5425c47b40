"""What a worker is told at launch: one JSON file, readable by its owner only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

CONFIGURATION_FILE = "worker.json"
READY_FILE = "ready.json"
STORE_FOLDER = "store"
"""Weight files and graphs, each named by its SHA-256; graphs refer to weights by that name."""

LOOPBACK = "127.0.0.1"
"""Reaches nobody but programs on the same machine."""
BIND_VARIABLE = "SHARDLOOM_BIND_ADDRESS"
"""Set by what stands before a phone and passes connections on: a port forward, a container."""


@dataclass(frozen=True)
class WorkerConfiguration:
    """Who this worker is and whom it trusts. Keys are Z85 text as ZeroMQ uses."""

    serial: str
    folder: str
    """Everything the worker reads or writes lies below it."""
    bind_address: str
    curve_public_key: str
    curve_secret_key: str
    host_public_key: str
    threads: int

    def listen_address(self, environment: Mapping[str, str]) -> str:
        """Return where to listen: `bind_address`, unless the environment names another."""
        return environment.get(BIND_VARIABLE) or self.bind_address

    def to_json(self) -> str:
        """Return the file's text."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_file(path: Path) -> WorkerConfiguration:
        """Read the file. Raises `ValueError` where it is not JSON or its fields are others."""
        try:
            return WorkerConfiguration(**json.loads(path.read_text()))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path.name}: {error}") from None


@dataclass(frozen=True)
class WorkerReady:
    """What a worker writes, in one rename, once both sockets are bound."""

    process_id: int
    inbox_port: int
    pulse_port: int

    def to_json(self) -> str:
        """Return the file's text."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> WorkerReady:
        """Read the file's text. Raises `ValueError` where it is not one of ours."""
        try:
            return WorkerReady(**json.loads(text))
        except TypeError as error:
            raise ValueError(str(error)) from None
