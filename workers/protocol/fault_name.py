"""Faults that a tester may set on a worker, by their names on the wire."""

from __future__ import annotations

from enum import StrEnum


class FaultName(StrEnum):
    """`NONE` lifts whichever was set."""

    NONE = "none"
    WRONG_OUTPUT = "wrong-output"
    SLOW = "slow"
    CRASH = "crash"
    HANG = "hang"
    WITHHELD_RECEIPT = "withheld-receipt"
