"""Shards: a contiguous span of layers as one small graph that points at weight files."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from onnx import TensorProto

from app.core.errors import BadInputError
from app.core.model import Blob, ModelManifest, ModelTask
from app.models.architecture import architecture_of, takes_batches
from app.models.families.interface import Dimensions, Family
from app.models.graphs.graph import INPUT_IDS, LENGTHS, LOGITS, TOTAL_LENGTH, ShardGraph
from app.models.quantization.block_wise import Quantization
from app.models.store import BlobStore
from app.models.stored_model import StoredModel
from workers.protocol.chain import Span
from workers.protocol.span_shape import SpanShape

HIDDEN_INPUT = "hidden_in"
HIDDEN_OUTPUT = "hidden_out"
ANSWER = "answer"


@dataclass(frozen=True)
class Shard:
    """What one phone needs to run a span: the graph and, beside it, the weight files.

    Graph inputs: `input_ids` int64 [batch, tokens] with the embedding, else `hidden_in` float32
    [batch, tokens, hidden]; `seqlens_k` int32 [batch], each total length - 1; `total_len` int32,
    a scalar; for each layer l, counted in the whole model, `past.{l}.key` and `past.{l}.value`
    float32 [batch, kv_heads, context, head_size]. Outputs: `hidden_out` float32 [batch, tokens,
    hidden], with the head `logits` float32 [batch, vocabulary] of the last position instead, or
    `answer` float32 [batch, numbers] where the model answers with a vector; `present.{l}.*`, to be
    bound to the same buffers as the past. Encoders have neither past nor present. Where a graph
    that was cut does not take several rows together, its batch is 1.
    """

    graph: Blob
    blobs: tuple[Blob, ...]
    first_layer: int
    last_layer: int
    has_embedding: bool
    has_head: bool
    parts: tuple[Shard, ...] = ()
    """Of a quantised model, or with a head: the embedding, the layers and the head that it has.

    Each by itself; run one after the other they do the same, and no phone gets them. They are how
    results are compared with those of a processor that rounds otherwise (`app.proof.stage_parts`),
    and how a head is run over all rows of a text (`app.proof.whole_text`). The layers of an
    embedding end at -1, those of a head begin behind the last.
    """
    quantized: bool = False


def build_shard(store: BlobStore, model: StoredModel, first_layer: int, last_layer: int) -> Shard:
    """Write the graph of a span (both ends included) into the store.

    Raises `BadInputError` for a span that the model does not have.
    """
    family = architecture_of(model, store)
    layer_count = family.dimensions.layer_count
    if not 0 <= first_layer <= last_layer < layer_count:
        raise BadInputError(
            "model.layers_beyond",
            model=model.manifest.name,
            last=layer_count - 1,
            first_asked=first_layer,
            last_asked=last_layer,
        )
    span = _Span(first_layer, last_layer, first_layer == 0, last_layer == layer_count - 1)
    quantized = model.manifest.quantization != Quantization.F32
    shard = Shard(
        graph=store.put_bytes(_graph(family, model, span)),
        blobs=model.manifest.blobs_of(first_layer, last_layer),
        **asdict(span),
    )
    parts = [
        replace(shard, graph=store.put_bytes(_graph(family, model, part)), **asdict(part))
        for part in _parts(span)
        if quantized or span.has_head
    ]
    return replace(shard, parts=tuple(parts), quantized=quantized)


def span_shape(model: ModelManifest, shard: Shard, context_tokens: int, slots: int) -> SpanShape:
    """Return what a worker must know to run the shard with so many slots of so many tokens."""
    (chain,) = model.chains
    return SpanShape(
        blocks=Span(chain.name, shard.first_layer, shard.last_layer + 1),
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


@dataclass(frozen=True)
class _Span:
    first_layer: int
    last_layer: int
    has_embedding: bool
    has_head: bool


def _parts(span: _Span) -> list[_Span]:
    layers = _Span(span.first_layer, span.last_layer, has_embedding=False, has_head=False)
    embedding = _Span(0, -1, has_embedding=True, has_head=False)
    head = _Span(span.last_layer + 1, span.last_layer, has_embedding=False, has_head=True)
    return [*[embedding] * span.has_embedding, layers, *[head] * span.has_head]


def _graph(family: Family, model: StoredModel, span: _Span) -> bytes:
    sizes = family.dimensions
    graph = ShardGraph(model.tensors)
    batch: int | str = "batch" if takes_batches(family) else 1
    hidden = _add_input(graph, family, span, batch)
    graph.input(LENGTHS, TensorProto.INT32, [batch])
    graph.input(TOTAL_LENGTH, TensorProto.INT32, [])
    cache = (batch, sizes.kv_heads, "context", sizes.head_size)
    parts = ("key", "value") if sizes.kv_heads else ()
    for layer in range(span.first_layer, span.last_layer + 1):
        for part in parts:
            graph.input(f"past.{layer}.{part}", TensorProto.FLOAT, cache)
        hidden = family.add_layer(graph, layer, hidden)
    _publish(graph, family, span, hidden, batch)
    for layer in range(span.first_layer, span.last_layer + 1):
        for part in parts:
            graph.output(f"present.{layer}.{part}", f"present.{layer}.{part}", cache)
    return graph.serialize(f"{family.name}.{span.first_layer}-{span.last_layer}")


def _add_input(graph: ShardGraph, family: Family, span: _Span, batch: int | str) -> str:
    if span.has_embedding:
        token_ids = graph.input(INPUT_IDS, TensorProto.INT64, [batch, "tokens"])
        return family.add_embedding(graph, token_ids)
    return graph.input(HIDDEN_INPUT, TensorProto.FLOAT, _hidden_shape(family.dimensions, batch))


def _publish(graph: ShardGraph, family: Family, span: _Span, hidden: str, batch: int | str) -> None:
    sizes = family.dimensions
    if not span.has_head:
        graph.output(hidden, HIDDEN_OUTPUT, _hidden_shape(sizes, batch))
        return
    answer = family.add_head(graph, hidden)
    if family.answer.task is ModelTask.GENERATION:
        graph.output(answer, LOGITS, (batch, sizes.vocabulary_size))
    else:
        graph.output(answer, ANSWER, (batch, "numbers"))


def _hidden_shape(sizes: Dimensions, batch: int | str) -> tuple[int | str, str, int]:
    return (batch, "tokens", sizes.hidden_size)
