"""Sizes that every family reads from its configuration, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.core.errors import BadInputError
from app.models.configuration import Configuration
from app.models.errors import UnusualModelError
from app.models.families.interface import Dimensions
from app.models.graphs.rotary import Rotary

MAXIMUM_CONTEXT_TOKENS = 8192
"""Longer contexts are cut to this: a phone keeps its attention cache in full length."""
MAXIMUM_LAYERS = 1024
MAXIMUM_HEADS = 1024
"""More than any published model has; sizes are read before the tensors are looked at."""
DEFAULT_CONTEXT_TOKENS = 2048
HEAD_SIZE_STEP = 8
"""onnxruntime's GroupQueryAttention takes no other sizes."""


def dimensions_of(configuration: Configuration) -> Dimensions:
    """Read the sizes, under their present or an older name.

    A context stretched by `longrope` is cut to the original one, in which the tables are exact.
    Raises `BadInputError` where sizes do not go together.
    """
    first_of = configuration.first_of
    hidden_size = configuration.dimension(first_of("n_embd", "n_embed", "hidden_size"))
    heads = configuration.dimension(
        first_of("n_head", "num_attention_heads"), maximum=MAXIMUM_HEADS
    )
    kv_heads = configuration.dimension("num_key_value_heads", heads)
    head_size = configuration.dimension("head_dim", max(1, hidden_size // heads))
    if kv_heads > heads or heads % kv_heads:
        raise BadInputError("family.heads_share_heads", heads=heads, kv_heads=kv_heads)
    if head_size % HEAD_SIZE_STEP:
        raise UnusualModelError("family.head_size", size=head_size, step=HEAD_SIZE_STEP)
    longest = first_of("n_positions", "seq_length", "max_position_embeddings")
    context = configuration.dimension(longest, DEFAULT_CONTEXT_TOKENS)
    exact = Rotary.from_configuration(configuration).longest_context or context
    return Dimensions(
        hidden_size,
        configuration.dimension("vocab_size"),
        configuration.dimension(first_of("n_layer", "num_hidden_layers"), maximum=MAXIMUM_LAYERS),
        heads,
        kv_heads,
        head_size,
        min(context, exact, MAXIMUM_CONTEXT_TOKENS),
    )


def windows_of(
    configuration: Configuration, sizes: Dimensions, *, slides: Callable[[int], bool]
) -> tuple[int, ...]:
    """Return how many tokens each layer sees; 0 is all of them.

    Newer configurations list each layer's type; for older ones `slides` tells which layers have the
    window. Raises `BadInputError` for a type that is not known.
    """
    if configuration.values.get("sliding_window") is None:
        return (0,) * sizes.layer_count
    window = configuration.dimension("sliding_window")
    if window >= sizes.context_tokens:
        return (0,) * sizes.layer_count
    sliding = sliding_layers(configuration, sizes, slides=slides)
    return tuple(window if layer in sliding else 0 for layer in range(sizes.layer_count))


def sliding_layers(
    configuration: Configuration, sizes: Dimensions, *, slides: Callable[[int], bool]
) -> frozenset[int]:
    """Return the layers that are of the kind with a window, as `windows_of` finds them."""
    listed = _listed(configuration, sizes.layer_count)
    if listed is None:
        listed = [slides(layer) for layer in range(sizes.layer_count)]
    return frozenset(layer for layer, slid in enumerate(listed) if slid)


def _listed(configuration: Configuration, layer_count: int) -> list[bool] | None:
    kinds = configuration.values.get("layer_types")
    if kinds is None:
        return None
    known = {"full_attention": False, "sliding_attention": True}
    if not isinstance(kinds, list) or len(kinds) != layer_count or not _are_known(kinds, known):
        raise BadInputError("configuration.layer_types")
    return [known[kind] for kind in kinds]


def _are_known(kinds: list[object], known: Mapping[str, bool]) -> bool:
    return all(isinstance(kind, str) and kind in known for kind in kinds)
