"""A model with its attention cache in another form: half numbers, or whole ones in steps.

Weights stay the files that they are. Keys and values as whole numbers need a step for each channel,
which is found by reading a text: keys have the same few large channels whatever is read (Liu et al.
2024, KIVI), so that one step a channel fits all tokens.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray

from app.core.errors import BadInputError
from app.core.model import Blob, Block, BlockKind, ModelManifest
from app.models.architecture import architecture_of
from app.models.calibration.texts import BUILT_IN, SEQUENCE_TOKENS, sequences
from app.models.cutting.decoder import CutDecoder
from app.models.families.interface import Dimensions, Family
from app.models.families.paired import PairedModel
from app.models.families.seeing import SeeingModel
from app.models.formats.tokenizer import TextTokenizer
from app.models.graphs.attention import scale_names
from app.models.sample_text import SampleText
from app.models.shards import build_shard, span_shape
from app.models.store import BlobStore
from app.models.stored_model import StoredModel
from app.models.tensors import PendingTensor, write_blob
from workers.engine.engine import ShardEngine
from workers.protocol.chain import Span
from workers.protocol.span_shape import RowForm
from workers.protocol.wire import Tensor

_WITHOUT: Final = (PairedModel, CutDecoder, SeeingModel)
TEXTS: Final = 8
"""Pieces of a text that steps are found by."""
LARGEST: Final = 127
"""Of the whole numbers that rows are kept as."""
_SMALLEST_STEP: Final = np.float32(1e-9)
_SEED: Final = 2024

Steps = NDArray[np.float32]


def require_form(family: Family, form: RowForm) -> None:
    """Raise `BadInputError` where a family's cache cannot be kept in a form."""
    plain = isinstance(family, _WITHOUT) or not family.dimensions.kv_heads
    if form is not RowForm.F32 and plain:
        raise BadInputError("import.cache_of_other_family", family=family.name)


def resized(manifest: ModelManifest, form: RowForm, steps: Blob | None = None) -> ModelManifest:
    """Return a manifest with the cache in another form; `steps` is read with every layer."""
    grown = 8 * manifest.kv_heads * manifest.head_size if steps else 0
    blobs = (steps,) if steps else ()

    def layer(block: Block) -> Block:
        kept = block.kv_bytes_per_token // manifest.cache_rows.number_bytes
        return replace(
            block,
            blobs=block.blobs + blobs,
            weight_bytes=block.weight_bytes + grown,
            kv_bytes_per_token=kept * form.number_bytes,
        )

    blocks = (layer(each) if each.kind is BlockKind.LAYER else each for each in manifest.blocks)
    return replace(manifest, blocks=tuple(blocks), cache_rows=form)


def step_shapes(sizes: Dimensions) -> dict[str, tuple[int, ...]]:
    """Return the names and shapes of the steps of all layers, in the order of their file."""
    shape = (1, sizes.kv_heads, 1, sizes.head_size)
    return {name: shape for layer in range(sizes.layer_count) for name in scale_names(layer)}


def with_cache_rows(model: StoredModel, store: BlobStore, form: RowForm) -> StoredModel:
    """Return a model whose cache is float32 with it in another form.

    Raises `BadInputError` where its family's cannot be kept so.
    """
    if form is model.manifest.cache_rows:
        return model
    family = architecture_of(model, store)
    require_form(family, form)
    if form is not RowForm.INT8:
        return replace(model, manifest=resized(model.manifest, form))
    found = _steps(model, family, store)
    shapes = step_shapes(family.dimensions)
    pending = [
        PendingTensor(name, "float32", shape, (found[name].reshape(shape),))
        for name, shape in shapes.items()
    ]
    blob, tensors = write_blob(store, pending)
    manifest = resized(model.manifest, form, blob)
    weights = (*manifest.weights, store.weight_file(blob)) if manifest.weights else ()
    return replace(
        model,
        manifest=replace(manifest, weights=weights),
        tensors={**model.tensors, **{tensor.name: tensor for tensor in tensors}},
    )


def _steps(model: StoredModel, family: Family, store: BlobStore) -> dict[str, Steps]:
    """Return the steps of all layers by name; one layer's weights are in memory at a time."""
    (chain,), threads = model.manifest.chains, len(os.sched_getaffinity(0))
    states: list[Tensor] = list(_texts(model, family, store))
    found: dict[str, Steps] = {}
    for layer in range(model.manifest.layer_count):
        shard = build_shard(store, model, Span(chain.name, layer, layer + 1))
        shape = span_shape(model.manifest, shard, states[0].shape[1], slots=1)
        path = store.path(shard.graph.sha256)
        engine, pairs = ShardEngine(path, shape, threads), turned_pairs(path.read_bytes())
        largest: list[Tensor] = []
        for index, rows in enumerate(states):
            states[index] = engine.run(0, 0, rows)
            keys, values = engine.kept_rows(0, rows.shape[1])
            largest.append(np.stack([reach_of(keys, pairs), np.abs(values).max(axis=1)]))
            engine.forget(0)
        steps = np.maximum(np.max(largest, axis=0) / LARGEST, _SMALLEST_STEP)
        found.update(zip(scale_names(layer), steps.astype(np.float32), strict=True))
    return found


def reach_of(keys: Tensor, pairs: Sequence[NDArray[np.int64]]) -> Tensor:
    """Return how large each channel of keys `[heads, rows, size]` gets: `[heads, size]`.

    Channels that turn together count as long as both are: at other positions all of it may stand
    in either.
    """
    sizes = np.abs(keys)
    for first, second in pairs:
        length = np.hypot(sizes[..., first], sizes[..., second])
        sizes[..., first] = sizes[..., second] = length
    reach: Tensor = sizes.max(axis=1)
    return reach


def turned_pairs(graph: bytes) -> list[NDArray[np.int64]]:
    """Return which channels of a layer's keys turn together, `[2, pairs]`; none, or one such."""
    content = onnx.load_model_from_string(graph).graph
    columns = {each.name: each.dims[-1] for each in content.initializer if each.dims}
    for node in content.node:
        attributes = {each.name: each.i for each in node.attribute}
        if node.op_type == "RotaryEmbedding":
            return [pairs_of(columns[node.input[2]], attributes.get("interleaved", 0))]
        if node.op_type == "GroupQueryAttention" and attributes.get("do_rotary"):
            return [pairs_of(columns[node.input[7]], attributes.get("rotary_interleaved", 0))]
    return []


def pairs_of(half: int, neighbours: int) -> NDArray[np.int64]:
    """Return which channels turn together, `[2, pairs]`: neighbours, or those of two halves."""
    channels = np.arange(2 * half)
    return channels.reshape(half, 2).T if neighbours else channels.reshape(2, half)


def _texts(model: StoredModel, family: Family, store: BlobStore) -> Sequence[NDArray[np.int64]]:
    """Return pieces of a text as token ids `[1, tokens]`; drawn ones where nothing reads text."""
    sizes, tokenizer = family.dimensions, model.manifest.tokenizer
    if tokenizer is None:
        length = min(SEQUENCE_TOKENS, sizes.context_tokens)
        drawn = np.random.default_rng(_SEED)
        return [drawn.integers(0, sizes.vocabulary_size, (1, length)) for _ in range(TEXTS)]
    reader = TextTokenizer.from_file(store.path(tokenizer.sha256))
    text = SampleText.read(BUILT_IN)
    tokens = [token for token in reader.encode(text.content) if token < sizes.vocabulary_size]
    pieces = sequences(tokens, family.plans(), sizes)
    chosen = np.unique(np.linspace(0, len(pieces) - 1, min(TEXTS, len(pieces))).round().astype(int))
    return [pieces[each] for each in chosen]
