"""Rotary position embedding: cosine and sine tables (Su et al. 2021, section 3.4.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.errors import BadInputError
from app.models.configuration import Configuration

DEFAULT_BASE = 10_000.0
_SUPPORTED = ("default", "linear", "llama3")


@dataclass(frozen=True)
class RotaryScaling:
    """How frequencies are stretched for contexts longer than the original training's.

    With `linear` all are divided by the factor; with `llama3` only those whose wavelength is long
    against `original_context`, with a smooth passage in between (Llama 3.1's rule).
    """

    kind: str = "default"
    factor: float = 1.0
    low_frequency_factor: float = 1.0
    high_frequency_factor: float = 4.0
    original_context: int = 8192


@dataclass(frozen=True)
class Rotary:
    """Everything the tables depend on, besides their size."""

    base: float
    scaling: RotaryScaling

    @classmethod
    def from_configuration(cls, configuration: Configuration) -> Rotary:
        """Read `rope_parameters` or the older `rope_theta` with `rope_scaling`.

        Raises `BadInputError` for a kind of scaling that is not known.
        """
        section = configuration.section("rope_parameters") or configuration.section("rope_scaling")
        base = configuration.number("rope_theta", DEFAULT_BASE)
        if section is None:
            return cls(base, RotaryScaling())
        return cls(section.number("rope_theta", base), _scaling(section))

    def tables(
        self, context_tokens: int, head_size: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return cosines and sines, each [context_tokens, head_size / 2]."""
        exponents = np.arange(0, head_size, 2, dtype=np.float32) / np.float32(head_size)
        frequencies = self._stretched(1 / np.float32(self.base) ** exponents)
        positions = np.arange(context_tokens, dtype=np.float32)
        angles = np.outer(positions, frequencies.astype(np.float32))
        return np.cos(angles), np.sin(angles)

    def _stretched(self, frequencies: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        scaling = self.scaling
        if scaling.kind != "llama3":
            return frequencies / scaling.factor
        turns = scaling.original_context * frequencies / (2 * math.pi)
        low, high = scaling.low_frequency_factor, scaling.high_frequency_factor
        kept: NDArray[np.floating[Any]] = np.clip((turns - low) / (high - low), 0, 1)
        return (1 - kept) * frequencies / scaling.factor + kept * frequencies


def _scaling(section: Configuration) -> RotaryScaling:
    kind = section.text("rope_type", section.text("type", "default"))
    if kind not in _SUPPORTED:
        raise BadInputError(
            f"Rotary scaling {kind!r} is not supported; supported are {', '.join(_SUPPORTED)}."
        )
    if kind == "default":
        return RotaryScaling()
    factor = section.number("factor")
    if kind == "linear":
        return RotaryScaling(kind, factor)
    low, high = section.number("low_freq_factor"), section.number("high_freq_factor")
    if high <= low:
        raise BadInputError("Rotary scaling: high_freq_factor must be above low_freq_factor.")
    return RotaryScaling(
        kind,
        factor,
        low,
        high,
        section.dimension("original_max_position_embeddings"),
    )
