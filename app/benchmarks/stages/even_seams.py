"""Where a model is cut so that every stage has about as much to read for each token."""

from __future__ import annotations

from itertools import combinations, pairwise

from app.core.model import ModelManifest


def even_seams(model: ModelManifest, stages: int) -> tuple[tuple[int, int], ...]:
    """Return first and last layer of each stage; the one that reads most reads least so."""
    layer_bytes = _layer_bytes(model)
    layers = len(layer_bytes)

    def heaviest(cuts: tuple[int, ...]) -> int:
        return max(sum(layer_bytes[start:end]) for start, end in pairwise((0, *cuts, layers)))

    best = min(combinations(range(1, layers), stages - 1), key=heaviest)
    return tuple((start, end - 1) for start, end in pairwise((0, *best, layers)))


def _layer_bytes(model: ModelManifest) -> list[int]:
    """Return what a token reads in each layer, embedding and head with the layers beside them."""
    embedding, *layers, head = [block.weight_bytes for block in model.blocks]
    layers[0] += embedding
    layers[-1] += head
    return layers
