"""What a worker is told at launch, and what it writes once it is ready: a JSON file each.

The first is readable by its owner only. Both are checked as messages are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from workers.errors import WireError
from workers.protocol.bounds import FieldError, Form, Integer, ShortText, Text
from workers.protocol.forms import form_of

CONFIGURATION_FILE = "worker.json"
READY_FILE = "ready.json"
STORE_FOLDER = "store"
"""Weight files and graphs, each named by its SHA-256; graphs refer to weights by that name."""

LOOPBACK = "127.0.0.1"
"""Reaches nobody but programs on the same machine."""
BIND_VARIABLE = "SHARDLOOM_BIND_ADDRESS"
"""Set by what stands before a phone and passes connections on: a port forward, a container."""

_Key = Annotated[str, Text(minimum=0)]
_Port = Annotated[int, Integer(1, 65_535)]


@dataclass(frozen=True)
class WorkerConfiguration:
    """Who this worker is and whom it trusts. Keys are Z85 text as ZeroMQ uses."""

    serial: ShortText
    folder: Annotated[str, Text(maximum=4_096)]
    """Everything the worker reads or writes lies below it."""
    bind_address: ShortText
    curve_public_key: _Key
    curve_secret_key: _Key
    host_public_key: _Key
    threads: Annotated[int, Integer(1, 1_024)]

    def listen_address(self, environment: Mapping[str, str]) -> str:
        """Return where to listen: `bind_address`, unless the environment names another."""
        return environment.get(BIND_VARIABLE) or self.bind_address

    def to_json(self) -> str:
        """Return the file's text."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_file(path: Path) -> WorkerConfiguration:
        """Read the file. Raises `WireError` where it is not JSON or a field is out of bounds."""
        configuration: WorkerConfiguration = _read(_CONFIGURATION, path.read_text(), path.name)
        return configuration


@dataclass(frozen=True)
class WorkerReady:
    """What a worker writes, in one rename, once both sockets are bound."""

    process_id: Annotated[int, Integer(1, (1 << 31) - 1)]
    inbox_port: _Port
    pulse_port: _Port

    def to_json(self) -> str:
        """Return the file's text."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> WorkerReady:
        """Read the file's text. Raises `WireError` where it is not one of ours."""
        ready: WorkerReady = _read(_READY, text, READY_FILE)
        return ready


_CONFIGURATION: Final = form_of(WorkerConfiguration)
_READY: Final = form_of(WorkerReady)


def _read(form: Form, text: str, file: str) -> Any:  # noqa: ANN401 - whatever the form makes
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise WireError("file.no_json", file=file) from None
    try:
        return form.read(content)
    except FieldError as error:
        raise error.inside(file) from None
