"""Faults a tester may set on this worker, all starting at a given generated token."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from workers.fault_names import FaultName
from workers.protocol.wire import Tensor
from workers.ring.lies import FIGURE_LIES, HIDDEN_LIES, LOGIT_LIES, Lie

CRASH_STATUS = 70
HANG_LIMIT_S = 600
_DEAF = frozenset({FaultName.PARTITION})


@dataclass(frozen=True)
class InjectedFault:
    """What this worker does wrong, from generated token `token` (1-based) on.

    `amount` is in the unit of its kind; `share` is in how many of the steps it shows, drawn by
    `seed`, so that the same run goes wrong in the same steps.
    """

    name: FaultName = FaultName.NONE
    token: int = 1
    amount: float = 4.0
    share: float = 1.0
    seed: int = 0
    _before: dict[str, Tensor] = field(default_factory=dict, compare=False, repr=False)

    def is_active(self, name: FaultName, generated: int) -> bool:
        """Tell whether that fault shows in a step; token 1 includes prompt chunks before it."""
        return self.name == name and self._shows(generated)

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
        """Make a step take `amount` times its own computing time."""
        if self.is_active(FaultName.SLOW, generated):
            time.sleep(max(self.amount - 1, 0) * compute_s)

    def alter_hidden(self, generated: int, hidden: Tensor, inputs: Tensor | None = None) -> Tensor:
        """Return hidden states as a liar passes them on; `inputs` is what they came from."""
        if self.name is FaultName.STALE:
            return self._one_behind(generated, hidden)
        if self.is_active(FaultName.SKIPPED, generated):
            skips = inputs is not None and inputs.shape == hidden.shape
            return inputs.astype(hidden.dtype) if inputs is not None and skips else hidden
        return self._lied(HIDDEN_LIES, generated, hidden)

    def alter_logits(self, generated: int, logits: Tensor) -> Tensor:
        """Return logits `f4 [vocabulary]` as a liar chooses by them."""
        return self._lied(LOGIT_LIES, generated, logits)

    def alter_figures(self, generated: int, logits: Tensor) -> Tensor:
        """Return logits `f4 [vocabulary]` as a liar tells of them, its token being right."""
        return self._lied(FIGURE_LIES, generated, logits)

    @property
    def hears_no_phone(self) -> bool:
        """Whether nothing that another phone sends arrives."""
        return self.name in _DEAF

    @property
    def clock_ns(self) -> int:
        """How far its clock goes before."""
        return int(self.amount * 1e9) if self.name is FaultName.CLOCK_SKEW else 0

    def _lied(self, lies: Mapping[FaultName, Lie], generated: int, numbers: Tensor) -> Tensor:
        lie = lies.get(self.name)
        return numbers if lie is None or not self._shows(generated) else lie(numbers, self.amount)

    def _one_behind(self, generated: int, hidden: Tensor) -> Tensor:
        """Return what the step before gave, where that has the same form."""
        before = self._before.get("hidden")
        self._before["hidden"] = hidden.copy()
        fits = before is not None and before.shape == hidden.shape
        return before if before is not None and fits and self._shows(generated) else hidden

    def _shows(self, generated: int) -> bool:
        if max(generated, 1) < self.token:
            return False
        if self.share >= 1:
            return True
        drawn = random.Random(f"{self.seed} {generated}")  # noqa: S311 - no secret
        return drawn.random() < self.share
