"""Shards: a contiguous span of layers as one small graph that points at weight files."""

from __future__ import annotations

from dataclasses import dataclass

from onnx import TensorProto

from app.core.chain import Chain
from app.core.errors import BadInputError
from app.core.model import Blob, ModelManifest, ModelTask
from app.models.architecture import architecture_of, takes_batches
from app.models.families.interface import Dimensions, Family
from app.models.graphs.graph import INPUT_IDS, LENGTHS, LOGITS, TOTAL_LENGTH, ShardGraph
from app.models.graphs.operators import last_position
from app.models.quantization.block_wise import Quantization
from app.models.store import BlobStore
from app.models.stored_model import StoredModel
from workers.protocol.chain import Span
from workers.protocol.span_shape import FINAL_ROW, SpanShape

HIDDEN_INPUT = "hidden_in"
HIDDEN_OUTPUT = "hidden_out"
ANSWER = "answer"


@dataclass(frozen=True)
class Shard:
    """What one phone needs to run a span: the graph and, beside it, the weight files.

    Graph inputs: `input_ids` int64 [batch, tokens] with the embedding, else `hidden_in` float32
    [batch, tokens, hidden]; `seqlens_k` int32 [batch], each total length - 1; `total_len` int32,
    a scalar; for each layer l, counted in its chain, `past.{l}.key` and `past.{l}.value`
    float32 [batch, kv_heads, context, head_size]. Outputs: `hidden_out` float32 [batch, tokens,
    hidden], with the head `logits` float32 [batch, vocabulary] of the last position instead and
    `final_row` float32 [batch, hidden], what went into the head there, or
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
    (chain,) = model.manifest.chains
    _check_has(model.manifest.name, chain, blocks)
    span = _Cut(blocks.blocks, blocks.first == 0, blocks.end == chain.block_count)
    quantized = model.manifest.quantization != Quantization.F32
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
    return SpanShape(
        blocks=shard.blocks,
        has_embedding=shard.has_embedding,
        has_head=shard.has_head,
        hidden_size=model.hidden_size,
        vocabulary_size=model.vocabulary_size,
        kv_heads=model.kv_heads,
        head_size=model.head_size,
        context_tokens=min(context_tokens, model.context_tokens),
        slots=slots,
        answer_size=model.answer_size,
    )


def _check_has(model: str, chain: Chain, asked: Span) -> None:
    if asked.chain != chain.name:
        raise BadInputError("model.other_chain", model=model, asked=asked.chain)
    if asked.end > chain.block_count:
        raise BadInputError(
            "model.layers_beyond",
            model=model,
            last=chain.block_count - 1,
            first_asked=asked.first,
            last_asked=asked.last,
        )


@dataclass(frozen=True)
class _Cut:
    """What a graph computes: layers, none for an embedding or a head alone."""

    layers: range
    has_embedding: bool
    has_head: bool


def _parts(span: _Cut) -> list[_Cut]:
    layers = _Cut(span.layers, has_embedding=False, has_head=False)
    embedding = _Cut(range(0), has_embedding=True, has_head=False)
    behind = range(span.layers.stop, span.layers.stop)
    head = _Cut(behind, has_embedding=False, has_head=True)
    return [*[embedding] * span.has_embedding, layers, *[head] * span.has_head]


def _graph(family: Family, model: StoredModel, span: _Cut) -> bytes:
    sizes = family.dimensions
    graph = ShardGraph(model.tensors)
    batch: int | str = "batch" if takes_batches(family) else 1
    hidden = _add_input(graph, family, span, batch)
    graph.input(LENGTHS, TensorProto.INT32, [batch])
    graph.input(TOTAL_LENGTH, TensorProto.INT32, [])
    cache = (batch, sizes.kv_heads, "context", sizes.head_size)
    parts = ("key", "value") if sizes.kv_heads else ()
    for layer in span.layers:
        for part in parts:
            graph.input(f"past.{layer}.{part}", TensorProto.FLOAT, cache)
        hidden = family.add_layer(graph, layer, hidden)
    _publish(graph, family, span, hidden, batch)
    for layer in span.layers:
        for part in parts:
            graph.output(f"present.{layer}.{part}", f"present.{layer}.{part}", cache)
    return graph.serialize(f"{family.name}.{span.layers.start}-{span.layers.stop - 1}")


def _add_input(graph: ShardGraph, family: Family, span: _Cut, batch: int | str) -> str:
    if span.has_embedding:
        token_ids = graph.input(INPUT_IDS, TensorProto.INT64, [batch, "tokens"])
        return family.add_embedding(graph, token_ids)
    return graph.input(HIDDEN_INPUT, TensorProto.FLOAT, _hidden_shape(family.dimensions, batch))


def _publish(graph: ShardGraph, family: Family, span: _Cut, hidden: str, batch: int | str) -> None:
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
