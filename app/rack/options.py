"""How a rack is opened, whatever the front end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DEFAULT_MODEL = "demo"
DEFAULT_OBJECTIVE = "throughput"


@dataclass(frozen=True)
class RackOptions:
    """`rack` is `virtual:N`, a rack file, `usb`, `wifi` or `server:HOST:PORT`.

    None looks for phones behind the local adb server and falls back to the virtual demo rack.
    """

    home: Path
    rack: str | None = None
    model: str = DEFAULT_MODEL
    objective: str | None = None
    audit_rate: float | None = None
    """Share of receipts audited; None takes the rack's own setting."""
