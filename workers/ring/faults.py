"""Faults a tester may set on this worker, all starting at a given generated token."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass

import numpy as np

from workers.protocol.commands import FaultName
from workers.protocol.wire import Tensor

CRASH_STATUS = 70
HANG_LIMIT_S = 600


@dataclass(frozen=True)
class InjectedFault:
    """What this worker does wrong, from generated token `token` (1-based) on."""

    name: FaultName = FaultName.NONE
    token: int = 1
    factor: float = 4.0

    def is_active(self, name: FaultName, generated: int) -> bool:
        """Tell whether that fault shows in a step; token 1 includes prompt chunks before it."""
        return self.name == name and max(generated, 1) >= self.token

    def before_computing(self, generated: int) -> None:
        """End the process, or never return, where the fault says so.

        A worker left hanging ends after ten minutes, lest it outlive its experiment.
        """
        if self.is_active(FaultName.CRASH, generated):
            os._exit(CRASH_STATUS)
        if self.is_active(FaultName.HANG, generated):
            threading.Event().wait(HANG_LIMIT_S)
            os._exit(CRASH_STATUS)

    def stretch(self, generated: int, compute_s: float) -> None:
        """Make a step take `factor` times its own computing time."""
        if self.is_active(FaultName.SLOW, generated):
            time.sleep(max(self.factor - 1, 0) * compute_s)

    def alter_hidden(self, generated: int, hidden: Tensor) -> Tensor:
        """Return hidden states as a liar passes them on: every other number negated."""
        if not self.is_active(FaultName.WRONG_OUTPUT, generated):
            return hidden
        altered = hidden.copy()
        altered[..., ::2] *= -1
        return altered

    def alter_logits(self, generated: int, logits: Tensor) -> Tensor:
        """Return logits `f4 [vocabulary]` as a liar chooses by them: each token's are the next's.

        Its figures are as wrong as its token, so that what it signed for convicts it.
        """
        if not self.is_active(FaultName.WRONG_OUTPUT, generated):
            return logits
        return np.roll(logits, 1)
