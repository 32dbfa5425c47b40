"""Shards: a contiguous span of layers as one small graph that points at weight files."""

from __future__ import annotations

from dataclasses import dataclass

from onnx import TensorProto

from app.core.chain import Chain
from app.core.errors import BadInputError
from app.core.model import Blob, ModelManifest, ModelTask
from app.models.architecture import architecture_of, takes_batches
from app.models.families.interface import Dimensions, Family
from app.models.families.paired import PairedModel
from app.models.families.seeing import SeeingModel
from app.models.graphs.graph import (
    HIDDEN_INPUT,
    HIDDEN_OUTPUT,
    INPUT_IDS,
    LENGTHS,
    LOGITS,
    TOTAL_LENGTH,
    ShardGraph,
)
from app.models.graphs.operators import last_position
from app.models.paired_graphs import paired_graph
from app.models.store import BlobStore
from app.models.stored_model import StoredModel
from workers.engine.session import PICTURE_ROWS
from workers.protocol.chain import ChainName, Span
from workers.protocol.span_shape import FINAL_ROW, SpanShape

ANSWER = "answer"


@dataclass(frozen=True)
class Shard:
    """What one phone needs to run a span: the graph and, beside it, the weight files.

    Graph inputs: `input_ids` int64 [batch, tokens] with the embedding, else `hidden_in` float32
    [batch, tokens, hidden]; `seqlens_k` int32 [batch], each total length - 1; `total_len` int32,
    a scalar; for each layer l, counted in its chain, `past.{l}.key` and `past.{l}.value`
    [batch, kv_heads, context, head_size], in the form of the model's cache. Outputs: `hidden_out`
    float32 [batch, tokens, hidden], with the head `logits` float32 [batch, vocabulary] of the last
    position instead and `final_row` float32 [batch, hidden], what went into the head there, or
    `answer` float32 [batch, numbers] where the model answers with a vector; `present.{l}.*`, to be
    bound to the same buffers as the past. Encoders have neither past nor present. Where a graph
    that was cut does not take several rows together, its batch is 1.
    """

    graph: Blob
    blobs: tuple[Blob, ...]
    blocks: Span
    has_embedding: bool
    has_head: bool
    parts: tuple[ShardPart, ...] = ()
    """Of a quantised model, or with a head: the embedding, the layers and the head that it has.

    Each by itself; run one after the other they do the same, and no phone gets them. They are how
    results are compared with those of a processor that rounds otherwise (`app.proof.stage_parts`),
    and how a head is run over all rows of a text (`app.proof.whole_text`).
    """
    quantized: bool = False

    @property
    def weight_bytes(self) -> int:
        """How large its weight files are together."""
        return sum(blob.size_bytes for blob in self.blobs)


@dataclass(frozen=True)
class ShardPart:
    """The graph of the embedding alone, of the head alone, or of all layers of a shard."""

    graph: Blob
    has_embedding: bool
    has_head: bool


def build_shard(store: BlobStore, model: StoredModel, blocks: Span) -> Shard:
    """Write the graph of a span into the store.

    Raises `BadInputError` for a span that the model does not have.
    """
    family = architecture_of(model, store)
    chain = _chain_of(model.manifest, blocks)
    encodes = model.manifest.two_chains and chain.name is ChainName.ENCODER
    ends = blocks.end == chain.block_count and not encodes
    span = GraphSpan(blocks.blocks, blocks.first == 0, ends)
    quantized = model.manifest.rounded
    if isinstance(family, PairedModel):
        ends_here = (span.has_embedding, span.has_head)
        graph = store.put_bytes(paired_graph(store, model, family, blocks, *ends_here))
        blobs = model.manifest.blobs_of(blocks)
        return Shard(graph, blobs, blocks, *ends_here, quantized=quantized)
    if isinstance(family, SeeingModel) and encodes:
        graph = store.put_bytes(family.looking_graph(model.tensors, blocks))
        blobs = model.manifest.blobs_of(blocks)
        return Shard(graph, blobs, blocks, span.has_embedding, has_head=False)
    parts = [
        ShardPart(store.put_bytes(_graph(family, model, part)), part.has_embedding, part.has_head)
        for part in _parts(span)
        if quantized or span.has_head
    ]
    return Shard(
        graph=store.put_bytes(_graph(family, model, span)),
        blobs=model.manifest.blobs_of(blocks),
        blocks=blocks,
        has_embedding=span.has_embedding,
        has_head=span.has_head,
        parts=tuple(parts),
        quantized=quantized,
    )


def span_shape(model: ModelManifest, shard: Shard, context_tokens: int, slots: int) -> SpanShape:
    """Return what a worker must know to run the shard with so many slots of so many tokens."""
    encodes = model.two_chains and shard.blocks.chain is ChainName.ENCODER
    eyes = model.eyes if encodes else None
    ends = shard.blocks.end == model.encoder_layers
    return SpanShape(
        blocks=shard.blocks,
        has_embedding=shard.has_embedding,
        has_head=shard.has_head,
        hidden_size=eyes.hidden_size if eyes else model.hidden_size,
        vocabulary_size=model.vocabulary_size,
        kv_heads=0 if encodes else model.kv_heads,
        head_size=model.head_size,
        context_tokens=min(context_tokens, model.context_tokens),
        slots=slots,
        answer_size=model.answer_size,
        paired=model.paired,
        sees=model.eyes is not None,
        picture_rows=eyes.rows if eyes else 0,
        picture_width=eyes.row_width if eyes and shard.has_embedding else 0,
        left_width=model.hidden_size if eyes and ends else 0,
        cache_rows=model.cache_rows,
    )


def _chain_of(model: ModelManifest, asked: Span) -> Chain:
    """Return the chain of a span. Raises `BadInputError` for one that the model does not have."""
    chain = next((each for each in model.chains if each.name is asked.chain), None)
    if chain is None:
        raise BadInputError("model.other_chain", model=model.name, asked=asked.chain)
    _check_has(model.name, chain, asked)
    return chain


def _check_has(model: str, chain: Chain, asked: Span) -> None:
    if asked.end > chain.block_count:
        raise BadInputError(
            "model.layers_beyond",
            model=model,
            last=chain.block_count - 1,
            first_asked=asked.first,
            last_asked=asked.last,
        )


@dataclass(frozen=True)
class GraphSpan:
    """What a graph computes: layers, none for an embedding or a head alone."""

    layers: range
    has_embedding: bool
    has_head: bool


def _parts(span: GraphSpan) -> list[GraphSpan]:
    layers = GraphSpan(span.layers, has_embedding=False, has_head=False)
    embedding = GraphSpan(range(0), has_embedding=True, has_head=False)
    behind = range(span.layers.stop, span.layers.stop)
    head = GraphSpan(behind, has_embedding=False, has_head=True)
    return [*[embedding] * span.has_embedding, layers, *[head] * span.has_head]


def _graph(family: Family, model: StoredModel, span: GraphSpan) -> bytes:
    graph = ShardGraph(model.tensors, cache_rows=model.manifest.cache_rows)
    add_span(graph, family, span)
    return graph.serialize(f"{family.name}.{span.layers.start}-{span.layers.stop - 1}")


def add_span(graph: ShardGraph, family: Family, span: GraphSpan) -> None:
    """Add what a span computes to an empty graph, its inputs and outputs too."""
    sizes = family.dimensions
    batch: int | str = "batch" if takes_batches(family) else 1
    hidden = _add_input(graph, family, span, batch)
    graph.input(LENGTHS, TensorProto.INT32, [batch])
    graph.input(TOTAL_LENGTH, TensorProto.INT32, [])
    cache = (batch, sizes.kv_heads, "context", sizes.head_size)
    parts = ("key", "value") if sizes.kv_heads else ()
    for layer in span.layers:
        for part in parts:
            graph.input(f"past.{layer}.{part}", graph.cache_element, cache)
        hidden = family.add_layer(graph, layer, hidden)
    _publish(graph, family, span, hidden, batch)
    for layer in span.layers:
        for part in parts:
            present = f"present.{layer}.{part}"
            graph.output(present, present, cache, graph.cache_element)


def _add_input(graph: ShardGraph, family: Family, span: GraphSpan, batch: int | str) -> str:
    if span.has_embedding:
        token_ids = graph.input(INPUT_IDS, TensorProto.INT64, [batch, "tokens"])
        looked_up = family.add_embedding(graph, token_ids)
        if not isinstance(family, SeeingModel):
            return looked_up
        shape = (batch, "pictured", family.dimensions.hidden_size)
        pictured = graph.input(PICTURE_ROWS, TensorProto.FLOAT, shape)
        return graph.operator("Concat", [looked_up, pictured], axis=1)
    return graph.input(HIDDEN_INPUT, TensorProto.FLOAT, _hidden_shape(family.dimensions, batch))


def _publish(
    graph: ShardGraph, family: Family, span: GraphSpan, hidden: str, batch: int | str
) -> None:
    sizes = family.dimensions
    if not span.has_head:
        graph.output(hidden, HIDDEN_OUTPUT, _hidden_shape(sizes, batch))
        return
    answer = family.add_head(graph, hidden)
    if family.answer.task is ModelTask.GENERATION:
        graph.output(answer, LOGITS, (batch, sizes.vocabulary_size))
        graph.output(last_position(graph, hidden), FINAL_ROW, (batch, sizes.hidden_size))
    else:
        graph.output(answer, ANSWER, (batch, "numbers"))


def _hidden_shape(sizes: Dimensions, batch: int | str) -> tuple[int | str, str, int]:
    return (batch, "tokens", sizes.hidden_size)
