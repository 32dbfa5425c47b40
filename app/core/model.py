"""A language model as the rack sees it: blocks with content-addressed weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from app.core.chain import Chain
from app.core.errors import BadInputError
from app.core.identifiers import BlobHash
from workers.identity.weight_tree import WeightFile
from workers.protocol.chain import ChainName, Span
from workers.protocol.span_shape import RowForm

_FLOAT32 = "f32"
CACHE_FORMS = {form.word: form for form in RowForm}
"""How a text's keys and values may be kept, by the words for it."""
DEMO_MODEL = "demo"
"""The model that comes with the program."""


class ModelTask(StrEnum):
    """What a model's last block answers with."""

    GENERATION = "generation"
    """The next token of a text."""
    CLASSIFICATION = "classification"
    """A score for each label."""
    EMBEDDING = "embedding"
    """A vector for the whole text."""


class Scoring(StrEnum):
    """How a classifier's scores become what is shown."""

    SOFTMAX = "softmax"
    """One label fits: probabilities that sum to 1."""
    SIGMOID = "sigmoid"
    """Any number of labels fit: a probability for each."""
    PLAIN = "plain"
    """No probabilities at all: a regression."""


class BlockKind(StrEnum):
    """What a block does. Open: a vision encoder would be one more kind."""

    EMBEDDING = "embedding"
    LAYER = "layer"
    HEAD = "head"


@dataclass(frozen=True)
class Blob:
    """An immutable file known by its content."""

    sha256: BlobHash
    size_bytes: int


@dataclass(frozen=True)
class Block:
    """The smallest piece that can be placed; blocks run in index order.

    `weight_bytes` is what one decoded token reads; a tied tensor counts in every block using it.
    """

    index: int
    kind: BlockKind
    blobs: tuple[Blob, ...]
    weight_bytes: int
    flops_per_token: int
    kv_bytes_per_token: int


class Sight(StrEnum):
    """How pictures are cut up and told of in a text, by the family that does so."""

    IDEFICS = "idefics"
    """A picture as a whole and, of a large one, squares of it, each behind a mark of its place."""
    SQUARE = "square"
    """The middle of a picture, as one square."""
    STRETCHED = "stretched"
    """A picture as one square, whatever its form."""


@dataclass(frozen=True)
class Eyes:
    """How a model takes pictures: in squares of so many pixels, each as some rows of its text."""

    sight: Sight
    token: int
    """Stands in a text for each row of a picture."""
    mark: str
    """Stands in a prompt for a picture."""
    row_mark: str
    """Becomes the token."""
    rows: int
    """Of a square."""
    row_width: int
    """Numbers in a row of pixels: those of the patches that become one row, by colours."""
    hidden_size: int
    """Numbers in a row between the blocks that look."""
    pixels: int
    """Along an edge of a square."""
    patch_pixels: int
    group: int
    """Patches along an edge of what becomes one row."""
    edge_pixels: int = 0
    """To which an edge of a picture is brought first: the longer one where it is cut into squares,
    the shorter where its middle is taken."""
    splits: bool = False
    """Whether a large picture comes in several squares."""
    resample: int = 3
    """How pixels are worked out anew, by Pillow's number."""


@dataclass(frozen=True)
class ModelManifest:
    """Everything known of an imported model without opening its weights.

    Blocks are the embedding, then one per layer, then the head. Without key-value heads there is
    no attention cache: the whole text goes through in one step.
    """

    name: str
    family: str
    quantization: str
    hidden_size: int
    vocabulary_size: int
    context_tokens: int
    attention_heads: int
    kv_heads: int
    head_size: int
    begin_token: int | None
    end_tokens: tuple[int, ...]
    blocks: tuple[Block, ...]
    tokenizer: Blob | None
    task: ModelTask = ModelTask.GENERATION
    labels: tuple[str, ...] = ()
    """Of a classifier, in the order of its scores."""
    scoring: Scoring = Scoring.SOFTMAX
    pad_token: int | None = None
    chat_template: Blob | None = None
    """How `app.models.chat.chat_template` stored it; None where the model came without one."""
    weights: tuple[WeightFile, ...] = ()
    """The weight files with the roots over their bytes; empty as long as these are not known."""
    rooted_later: bool = False
    """Whether the roots were worked out after the import, by a newer version of the program."""
    encoder_layers: int = 0
    """How many of its first layers are an encoder before the decoder; 0 of one chain."""
    answer_begins_with: tuple[int, ...] = ()
    """Tokens that a decoder behind an encoder is given to begin with."""
    eyes: Eyes | None = None
    """How it takes pictures; its encoder then makes rows of these. None where it does not see."""
    cache_rows: RowForm = RowForm.F32
    """In what form attention keeps keys and values."""

    @property
    def rounded(self) -> bool:
        """Whether results of other processors lie further apart than float32's rounding."""
        return self.quantization != _FLOAT32 or self.cache_rows is not RowForm.F32

    @property
    def answer_size(self) -> int:
        """Numbers in the vector that the head answers with; 0 where it answers with tokens."""
        if self.task is ModelTask.CLASSIFICATION:
            return len(self.labels)
        return self.hidden_size if self.task is ModelTask.EMBEDDING else 0

    @property
    def cached(self) -> bool:
        """Whether layers keep keys and values, so that a text may come in pieces."""
        return self.kv_heads > 0

    @property
    def layer_count(self) -> int:
        """Number of layers."""
        return sum(block.kind is BlockKind.LAYER for block in self.blocks)

    @property
    def chains(self) -> tuple[Chain, ...]:
        """The chains that its layers form, in the order in which they run."""
        if self.two_chains:
            decoder = self.layer_count - self.encoder_layers
            encoder = Chain(ChainName.ENCODER, self.encoder_layers, sees=self.eyes is not None)
            return (encoder, Chain(ChainName.DECODER, decoder))
        name = ChainName.DECODER if self.cached else ChainName.ENCODER
        return (Chain(name, self.layer_count),)

    @property
    def paired(self) -> bool:
        """Whether an encoder reads what a decoder then answers."""
        return self.two_chains and self.eyes is None

    @property
    def two_chains(self) -> bool:
        """Whether there is an encoder before the decoder: of texts, or of pictures."""
        return self.encoder_layers > 0

    def numbered(self, span: Span) -> range:
        """Return the numbers of a span's layers through all chains."""
        before = self.encoder_layers if span.chain is ChainName.DECODER else 0
        return range(before + span.first, before + span.end)

    def span_of(self, first: int, end: int) -> Span:
        """Return the span of layers numbered through all chains; they must be of one."""
        if not self.two_chains:
            return Span(self.chains[0].name, first, end)
        name = ChainName.DECODER if first >= self.encoder_layers else ChainName.ENCODER
        before = self.encoder_layers if name is ChainName.DECODER else 0
        return Span(name, first - before, end - before)

    @property
    def boundary_bytes_per_token(self) -> int:
        """Bytes that cross a boundary for one token (one float32 hidden state)."""
        return self.hidden_size * 4

    @property
    def blobs(self) -> tuple[Blob, ...]:
        """The distinct weight files, in block order."""
        return _distinct(self.blocks)

    def blocks_of(self, span: Span) -> tuple[Block, ...]:
        """Return the blocks of a span, embedding and head included at the ends."""
        layer, last, layers = -1, self.layer_count - 1, self.numbered(span)
        chosen = []
        for block in self.blocks:
            if block.kind is BlockKind.LAYER:
                layer += 1
            position = min(max(layer, 0), last)
            if position in layers:
                chosen.append(block)
        return tuple(chosen)

    def blobs_of(self, span: Span) -> tuple[Blob, ...]:
        """Return the distinct weight files a span needs, in block order."""
        return _distinct(self.blocks_of(span))

    def weights_of(self, blobs: Iterable[Blob]) -> tuple[WeightFile, ...]:
        """Return weight files with their roots. Raises `BadInputError` where one is not known."""
        known = {each.sha256: each for each in self.weights}
        try:
            return tuple(known[blob.sha256] for blob in blobs)
        except KeyError:
            raise BadInputError("model.without_roots", model=self.name) from None


def _distinct(blocks: Iterable[Block]) -> tuple[Blob, ...]:
    return tuple(dict.fromkeys(blob for block in blocks for blob in block.blobs))
