"""What sets DeBERTa (second and third version) apart from BERT: rows of distances.

He et al. 2021, section 3; He et al. 2023.
"""

from __future__ import annotations

from app.core.errors import BadInputError
from app.models.configuration import Configuration
from app.models.families.interface import Dimensions, Part, SharedWeight, Weight, WeightRole
from app.models.families.weights import affine, linear, matrix
from app.models.graphs.disentangled import DISTANCE_NORM, DISTANCE_ROWS, Disentangled
from app.models.tensors import BIAS_SUFFIX

_KEYS, _QUERIES = "c2p", "p2c"
"""Contents with distances as keys; distances as queries with contents."""


def disentangled(configuration: Configuration, sizes: Dimensions, epsilon: float) -> Disentangled:
    """Return what scores are made of. Raises `BadInputError` for what is not computed."""
    _refuse_unusual(configuration, sizes)
    kinds, farthest = _kinds(configuration), _farthest(configuration)
    return Disentangled(
        span=_span(configuration),
        farthest=farthest,
        context_tokens=sizes.context_tokens,
        logarithmic=_buckets(configuration) > 0,
        keys=_KEYS in kinds,
        queries=_QUERIES in kinds,
        epsilon=epsilon,
    )


def distance_weights(
    configuration: Configuration, sizes: Dimensions, prefix: str
) -> tuple[Weight, ...]:
    """Return the rows of distances and their norm, held beside the embedding."""
    source, hidden = prefix + "encoder.", sizes.hidden_size
    rows = Part(source + "rel_embeddings.weight", (2 * _span(configuration), hidden))
    norm = affine(DISTANCE_NORM, source + "LayerNorm", hidden)
    return (
        Weight(DISTANCE_ROWS, WeightRole.TABLE, (rows,)),
        *(norm if _is_normed(configuration) else ()),
    )


def shared_norm(configuration: Configuration) -> tuple[SharedWeight, ...]:
    """Return what layers read of the norm."""
    names = (DISTANCE_NORM, DISTANCE_NORM + BIAS_SUFFIX)
    if not _is_normed(configuration):
        return ()
    return tuple(SharedWeight(name, WeightRole.VECTOR) for name in names)


def own_projections(
    configuration: Configuration, own: str, source: str, hidden: int
) -> tuple[Weight, ...]:
    """Return a layer's own matrices for rows of distances; none where the contents' are used."""
    if configuration.flag("share_att_key", default=False):
        return ()
    kinds = _kinds(configuration)
    named = {
        "distance_key": (_KEYS, "pos_key_proj"),
        "distance_query": (_QUERIES, "pos_query_proj"),
    }
    return tuple(
        weight
        for name, (kind, stored) in named.items()
        if kind in kinds
        for weight in linear(
            own + name, matrix(f"{source}attention.self.{stored}", hidden, hidden), bias=True
        )
    )


def _refuse_unusual(configuration: Configuration, sizes: Dimensions) -> None:
    values = configuration.values
    if not values.get("relative_attention") or not _kinds(configuration):
        raise BadInputError("family.encoder_field", field="relative_attention")
    if configuration.dimension("embedding_size", sizes.hidden_size) != sizes.hidden_size:
        raise BadInputError("family.encoder_field", field="embedding_size")
    for field in ("conv_kernel_size", "attention_head_size"):
        if values.get(field):
            raise BadInputError("family.encoder_field", field=field)


def _kinds(configuration: Configuration) -> frozenset[str]:
    kinds = configuration.values.get("pos_att_type")
    listed = kinds.split("|") if isinstance(kinds, str) else kinds
    found = frozenset(map(str, listed)) if isinstance(listed, list) else frozenset()
    if not found <= {_KEYS, _QUERIES}:
        raise BadInputError("family.encoder_field", field="pos_att_type")
    return found


def _buckets(configuration: Configuration) -> int:
    buckets = configuration.values.get("position_buckets")
    return buckets if isinstance(buckets, int) and 0 < buckets < 1 << 16 else 0


def _farthest(configuration: Configuration) -> int:
    stated = configuration.values.get("max_relative_positions")
    if isinstance(stated, int) and stated > 0:
        return configuration.dimension("max_relative_positions")
    return configuration.dimension("max_position_embeddings")


def _span(configuration: Configuration) -> int:
    return _buckets(configuration) or _farthest(configuration)


def _is_normed(configuration: Configuration) -> bool:
    return "layer_norm" in configuration.text("norm_rel_ebd", "none").lower()
