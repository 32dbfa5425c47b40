"""Models whose layers with a window turn otherwise than those that see all."""

from __future__ import annotations

from collections.abc import Mapping

from app.models.configuration import Configuration
from app.models.graphs.rotary import Rotary, RotaryScaling


def layer_rotaries(
    configuration: Configuration, base: float, local_base: float | None = None
) -> tuple[Rotary, Rotary]:
    """Return how layers turn that see all, and those with a window.

    Newer configurations say it for each kind of layer. In older ones a scaling is of the former
    alone; the latter turn at `local_base`, or at the same base where that is None.
    """
    section = configuration.section("rope_parameters")
    whole = section.section("full_attention") if section else None
    local = section.section("sliding_attention") if section else None
    if whole is not None and local is not None:
        return (
            Rotary.from_configuration(with_rotary(configuration, whole.values), base=base),
            Rotary.from_configuration(with_rotary(configuration, local.values), base=base),
        )
    seeing_all = Rotary.from_configuration(configuration, base=base)
    return seeing_all, Rotary(local_base or seeing_all.base, RotaryScaling())


def with_rotary(configuration: Configuration, fields: Mapping[str, object]) -> Configuration:
    """Return a configuration with these rotary fields and no others."""
    return Configuration(
        {**configuration.values, "rope_parameters": fields or None, "rope_scaling": None}
    )
