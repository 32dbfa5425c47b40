"""The faults that a worker can be told to show, by name."""

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
    NOISE = "noise"
    COARSE = "coarse"
    SKIPPED = "skipped"
    STALE = "stale"
    SECOND_BEST = "second-best"
    FALSE_FIGURES = "false-figures"
    TWO_TONGUES = "two-tongues"
    NOT_FINITE = "not-finite"
    WRONG_SHAPE = "wrong-shape"
    WRONG_STEP = "wrong-step"
    EARLY_ANSWER = "early-answer"
    FALSE_REPORT = "false-report"
    HIDDEN_TRANSCRIPT = "hidden-transcript"
    FORGED_TRANSCRIPT = "forged-transcript"
    BLOATED_TRANSCRIPT = "bloated-transcript"
    CLAIMED_STEPS = "claimed-steps"
    FORGED_INPUT = "forged-input"
    FOREIGN_KEY = "foreign-key"
    FALSE_CLAIM = "false-claim"
    LINK_DELAY = "link-delay"
    LINK_LOSS = "link-loss"
    LINK_CORRUPTION = "link-corruption"
    ONE_WAY = "one-way"
    PARTITION = "partition"
    CLOCK_SKEW = "clock-skew"
    MEMORY_HOG = "memory-hog"
    STORAGE_FULL = "storage-full"
