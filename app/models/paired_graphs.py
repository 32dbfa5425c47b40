"""Graphs of spans of a model of two chains: an encoder's, and a decoder's that reads its result."""

from __future__ import annotations

from onnx import TensorProto

from app.models.families.paired import PairedModel
from app.models.graphs.graph import (
    HIDDEN_INPUT,
    HIDDEN_OUTPUT,
    INPUT_IDS,
    LENGTHS,
    LOGITS,
    TOTAL_LENGTH,
    ShardGraph,
)
from app.models.store import BlobStore
from app.models.stored_model import StoredModel
from workers.protocol.chain import ChainName, Span


def paired_graph(
    store: BlobStore,
    model: StoredModel,
    family: PairedModel,
    blocks: Span,
    has_embedding: bool,  # noqa: FBT001 - as a shard says it
    has_head: bool,  # noqa: FBT001
) -> bytes:
    """Return a span's graph; a decoder's names the graphs of what is kept of the source.

    Beside what other graphs have, a decoder's reads `source.{layer}.key` and `.value`, each
    `[1, source, heads * head_size]`. Its batch is 1, as the encoder's.
    """
    graph, decodes = ShardGraph(model.tensors), blocks.chain is ChainName.DECODER
    hidden = _begun(graph, family, decodes=decodes, has_embedding=has_embedding)
    graph.input(LENGTHS, TensorProto.INT32, [1])
    graph.input(TOTAL_LENGTH, TensorProto.INT32, [])
    for layer, number in zip(blocks.blocks, model.manifest.numbered(blocks), strict=True):
        if decodes:
            _add_kept(graph, family, layer)
            source = store.put_bytes(family.source_graph(model.tensors, number))
            graph.note(f"source.{layer}", source.sha256)
        hidden = family.add_layer(graph, number, hidden)
    if has_head:
        shape = (1, family.dimensions.vocabulary_size)
        graph.output(family.add_head(graph, hidden), LOGITS, shape)
    else:
        graph.output(hidden, HIDDEN_OUTPUT, _hidden_shape(family))
    for layer in blocks.blocks if decodes else ():
        for part in ("key", "value"):
            graph.output(f"present.{layer}.{part}", f"present.{layer}.{part}", _cache(family))
    return graph.serialize(f"{family.name}.{blocks.chain}.{blocks.first}-{blocks.last}")


def _begun(graph: ShardGraph, family: PairedModel, *, decodes: bool, has_embedding: bool) -> str:
    """Add what the first layer reads: tokens looked up, or what the span before put out."""
    if not has_embedding:
        return graph.input(HIDDEN_INPUT, TensorProto.FLOAT, _hidden_shape(family))
    token_ids = graph.input(INPUT_IDS, TensorProto.INT64, [1, "tokens"])
    add = family.add_answer_embedding if decodes else family.add_embedding
    return add(graph, token_ids)


def _add_kept(graph: ShardGraph, family: PairedModel, layer: int) -> None:
    """Declare the rows that a decoder's layer reads, its own and those of the source."""
    width = family.dimensions.attention_heads * family.dimensions.head_size
    for part in ("key", "value"):
        graph.input(f"past.{layer}.{part}", TensorProto.FLOAT, _cache(family))
        graph.input(f"source.{layer}.{part}", TensorProto.FLOAT, (1, "source", width))


def _cache(family: PairedModel) -> tuple[int | str, ...]:
    sizes = family.dimensions
    return (1, sizes.kv_heads, "context", sizes.head_size)


def _hidden_shape(family: PairedModel) -> tuple[int | str, ...]:
    return (1, "tokens", family.dimensions.hidden_size)
