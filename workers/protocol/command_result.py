"""What a command answers with: the fields and tensors of a `done`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workers.protocol.wire import Tensor


@dataclass(frozen=True)
class CommandResult:
    """Fields and tensors of a `done`."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    tensors: tuple[Tensor, ...] = ()
