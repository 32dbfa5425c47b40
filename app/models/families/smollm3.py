"""SmolLM3: Llama, every fourth layer without positions (Bakouch et al. 2025; Yang et al. 2025)."""

from __future__ import annotations

from dataclasses import replace

from app.core.errors import BadInputError
from app.models.configuration import Configuration
from app.models.families.dimensions import windows_of
from app.models.families.gated import GatedDecoder
from app.models.families.interface import Dimensions
from app.models.families.llama import head_part, llama
from app.models.graphs.rotary import Rotary

DEFAULT_INTERVAL = 4
DEFAULT_BASE = 2_000_000.0


def smollm3(configuration: Configuration) -> GatedDecoder:
    """Return a SmolLM3 model. Raises `BadInputError` for what it does not compute."""
    base = llama(configuration)
    sizes = base.dimensions
    unturned = _unturned(configuration, sizes)
    windows = base.style.windows
    if configuration.flag("use_sliding_window", default=False):
        windows = windows_of(configuration, sizes, slides=lambda layer: layer in unturned)
    style = replace(
        base.style,
        rotary=Rotary.from_configuration(configuration, base=DEFAULT_BASE),
        windows=windows,
        unturned_layers=unturned,
    )
    weights = replace(base.weights, head=head_part(configuration, sizes, tied=True))
    return replace(base, name="smollm3", style=style, weights=weights)


def _unturned(configuration: Configuration, sizes: Dimensions) -> frozenset[int]:
    """Return the layers without positions: those listed with 0, or each of so many."""
    listed = configuration.values.get("no_rope_layers")
    if listed is None:
        interval = configuration.dimension("no_rope_layer_interval", DEFAULT_INTERVAL)
        return frozenset(range(interval - 1, sizes.layer_count, interval))
    known = isinstance(listed, list) and len(listed) >= sizes.layer_count
    if not isinstance(listed, list) or not known or any(each not in (0, 1) for each in listed):
        raise BadInputError("configuration.no_rope_layers")
    return frozenset(layer for layer in range(sizes.layer_count) if not listed[layer])
