"""Rotary position embedding: cosine and sine tables (Su et al. 2021, section 3.4.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.errors import BadInputError
from app.models.configuration import Configuration
from app.models.errors import UnusualModelError

DEFAULT_BASE = 10_000.0
_SUPPORTED = ("default", "dynamic", "linear", "llama3", "longrope", "yarn")
_UNSTRETCHED = ("default", "dynamic")
"""`dynamic` stretches beyond the configured context only, where no text gets to."""


@dataclass(frozen=True)
class RotaryScaling:
    """How frequencies are stretched for contexts longer than the original training's.

    With `linear` all are divided by the factor; with `llama3` only those whose wavelength is long
    against `original_context`, with a smooth passage in between (Llama 3.1's rule). With `longrope`
    each has a divisor of its own, and cosines and sines are multiplied by `magnitude`; the divisors
    are those for contexts up to the original one (Ding et al. 2024, section 3). With `yarn` those
    between the elements `ramp` pass from kept to divided (Peng et al. 2023, section 3.2). Where
    `is_bounded`, the tables hold within the original context only.
    """

    kind: str = "default"
    factor: float = 1.0
    low_frequency_factor: float = 1.0
    high_frequency_factor: float = 4.0
    original_context: int = 8192
    divisors: tuple[float, ...] = ()
    magnitude: float = 1.0
    ramp: tuple[float, float] = (32.0, 1.0)
    """Turns within the original context at which yarn's passage begins and ends."""
    is_truncated: bool = True
    """Whether yarn's passage begins and ends at whole elements."""
    is_bounded: bool = False


@dataclass(frozen=True)
class Rotary:
    """Everything the tables depend on, besides their size.

    Only the first `portion` of each head turns.
    """

    base: float
    scaling: RotaryScaling
    portion: float = 1.0

    @classmethod
    def from_configuration(
        cls, configuration: Configuration, portion: float = 1.0, base: float = DEFAULT_BASE
    ) -> Rotary:
        """Read `rope_parameters` or the older `rope_theta` with `rope_scaling`.

        `portion` and `base` hold where the configuration names none. Raises `BadInputError`
        for a kind of scaling that is not known.
        """
        section = configuration.section("rope_parameters") or configuration.section("rope_scaling")
        base = configuration.number("rope_theta", base)
        portion = configuration.number("partial_rotary_factor", portion)
        base = section.number("rope_theta", base) if section else base
        if base <= 1:
            raise BadInputError("rotary.base", base=base)
        if section is None:
            return cls(base, RotaryScaling(), portion)
        portion = section.number("partial_rotary_factor", portion)
        return cls(base, _scaling(section, configuration), portion)

    @property
    def longest_context(self) -> int | None:
        """The context beyond which these tables do not hold, if there is one."""
        return self.scaling.original_context if self.scaling.is_bounded else None

    def turned_size(self, head_size: int) -> int:
        """Return how many elements of a head turn.

        Raises `BadInputError` where they are odd in number, or the divisors are not for them.
        """
        size = int(head_size * self.portion)
        divisors = self.scaling.divisors
        if size % 2 or not 0 < size <= head_size or len(divisors) not in (0, size // 2):
            raise BadInputError("rotary.size", turned=size, head_size=head_size)
        return size

    def tables(
        self, context_tokens: int, head_size: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return cosines and sines, each [context_tokens, turned part of the head / 2].

        Raises `BadInputError` as `turned_size` does.
        """
        size = self.turned_size(head_size)
        exponents = np.arange(0, size, 2, dtype=np.float32) / np.float32(size)
        frequencies = self._stretched(1 / np.float32(self.base) ** exponents)
        positions = np.arange(context_tokens, dtype=np.float32)
        angles = np.outer(positions, frequencies.astype(np.float32))
        magnitude = np.float32(self.scaling.magnitude)
        return np.cos(angles) * magnitude, np.sin(angles) * magnitude

    def _stretched(self, frequencies: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        scaling = self.scaling
        if scaling.kind == "longrope":
            stretched: NDArray[np.floating[Any]] = np.divide(frequencies, scaling.divisors)
            return stretched
        if scaling.kind == "yarn":
            shares = _ramp(scaling, self.base, len(frequencies))
            return frequencies / scaling.factor * shares + frequencies * (1 - shares)
        if scaling.kind != "llama3":
            return frequencies / scaling.factor
        turns = scaling.original_context * frequencies / (2 * math.pi)
        low, high = scaling.low_frequency_factor, scaling.high_frequency_factor
        kept: NDArray[np.floating[Any]] = np.clip((turns - low) / (high - low), 0, 1)
        return (1 - kept) * frequencies / scaling.factor + kept * frequencies


def _scaling(section: Configuration, configuration: Configuration) -> RotaryScaling:
    kind = section.text("rope_type", section.text("type", "default"))
    kind = "longrope" if kind == "su" else kind
    if kind not in _SUPPORTED:
        raise UnusualModelError("rotary.scaling_unknown", kind=kind, supported=_SUPPORTED)
    if kind in _UNSTRETCHED:
        return RotaryScaling()
    if kind == "longrope":
        return _long_scaling(section, configuration)
    if kind == "yarn":
        return _yarn(section, configuration)
    factor = section.number("factor")
    if kind == "linear":
        return RotaryScaling(kind, factor)
    low, high = section.number("low_freq_factor"), section.number("high_freq_factor")
    if high <= low:
        raise BadInputError("rotary.frequencies")
    return RotaryScaling(
        kind,
        factor,
        low,
        high,
        section.dimension("original_max_position_embeddings"),
    )


def _long_scaling(section: Configuration, configuration: Configuration) -> RotaryScaling:
    longest = configuration.dimension("max_position_embeddings")
    name = "original_max_position_embeddings"
    original = configuration.dimension(name, section.dimension(name, longest))
    stretch = longest / original
    usual = math.sqrt(1 + math.log(stretch) / math.log(original)) if stretch > 1 else 1.0
    return RotaryScaling(
        "longrope",
        original_context=original,
        divisors=section.numbers("short_factor"),
        magnitude=section.number("attention_factor", usual),
        is_bounded=True,
    )


def _yarn(section: Configuration, configuration: Configuration) -> RotaryScaling:
    """Read yarn's fields. Queries that grow with the position do so beyond the original context."""
    longest = configuration.dimension("max_position_embeddings")
    original = section.dimension("original_max_position_embeddings", longest)
    factor = section.number("factor", longest / original)
    stretched, all_of_it = (section.values.get(name) for name in ("mscale", "mscale_all_dim"))
    usual = _magnitude(factor)
    if stretched and all_of_it:
        usual = _magnitude(factor, section.number("mscale"))
        usual /= _magnitude(factor, section.number("mscale_all_dim"))
    return RotaryScaling(
        "yarn",
        factor,
        original_context=original,
        magnitude=section.number("attention_factor", usual),
        ramp=(section.number("beta_fast", 32.0), section.number("beta_slow", 1.0)),
        is_truncated=section.flag("truncate", default=True),
        is_bounded=bool(section.values.get("llama_4_scaling_beta")),
    )


def _magnitude(factor: float, weight: float = 1.0) -> float:
    return 0.1 * weight * math.log(factor) + 1.0 if factor > 1 else 1.0


def _ramp(scaling: RotaryScaling, base: float, count: int) -> NDArray[np.float32]:
    """Return how far each frequency is divided: from 0, those that turn often, to 1."""

    def element(turns: float) -> float:
        wavelengths = math.log(scaling.original_context / (turns * 2 * math.pi))
        return count * wavelengths / math.log(base)

    first, last = map(element, scaling.ramp)
    if scaling.is_truncated:
        first, last = math.floor(first), math.ceil(last)
    first, last = max(first, 0), min(last, 2 * count - 1)
    if first == last:
        last += 0.001
    shares = (np.arange(count, dtype=np.float32) - np.float32(first)) / np.float32(last - first)
    clipped: NDArray[np.float32] = np.clip(shares, 0, 1)
    return clipped
