"""From a checkpoint to a stored model, one block at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from app.core.errors import BadInputError
from app.core.facts import Fact
from app.core.model import Blob, Block, BlockKind, ModelManifest
from app.models.blocks import BlockAccountant
from app.models.calibration.texts import BUILT_IN, LEAST_TOKENS, sequences
from app.models.families.interface import BlockPlan, Family
from app.models.formats.model_folder import TOKENIZER_FILE, ModelFolder
from app.models.formats.tokenizer import TextTokenizer
from app.models.importing.block_writer import BlockWriter, Texts
from app.models.importing.chains import (
    begins_with,
    encoder_layers_of,
    eyes_of,
    with_source_graphs,
)
from app.models.importing.import_record import ImportRecord, WrittenBlock
from app.models.importing.notes import notes_after, notes_before, uncalibrated
from app.models.quantization.block_wise import Quantization
from app.models.sample_text import SampleText
from app.models.store import BlobStore
from app.models.stored_model import StoredModel
from app.models.tensors import StoredTensor

Progress = Callable[[Fact, int, int], None]
"""Called after each block with what was done, the blocks done and the number of blocks."""


class Importer:
    """Writes one checkpoint's blocks into a store.

    A few megabytes of weights are in memory at a time. Blocks written by an import that was cut
    short stay valid: the next import of the same checkpoint takes them from the store.
    """

    def __init__(
        self,
        checkpoint: ModelFolder,
        family: Family,
        quantization: Quantization,
        store: BlobStore,
        record: ImportRecord,
        calibration: SampleText | None = None,
    ) -> None:
        self._checkpoint = checkpoint
        self._quantization = quantization
        self._store = store
        self._record = record
        self._family = family
        self._calibration = calibration
        self._plans = self._family.plans()
        self._tensors: dict[str, StoredTensor] = {}
        self._blobs: list[Blob] = []

    def run(
        self,
        name: str,
        progress: Progress,
        source_digest: str | None,
        skeleton: bytes | None = None,
    ) -> StoredModel:
        """Check everything, then write every block. Raises `BadInputError`."""
        self._check_tensors()
        self._store.discard_abandoned()
        for note in notes_before(self._checkpoint.configuration, self._family):
            progress(note, 0, 1)
        tokenizer = self._store_tokenizer(progress)
        self._write_blocks(self._texts(tokenizer, progress), progress)
        for note in notes_after(self._plans, self._tensors, self._quantization):
            progress(note, len(self._plans), len(self._plans))
        manifest = self._manifest(name, tokenizer)
        values = self._checkpoint.configuration.values
        kept = None if skeleton is None else self._store.put_bytes(skeleton)
        return StoredModel(manifest, values, self._tensors, source_digest, skeleton=kept)

    def _check_tensors(self) -> None:
        for plan in self._plans:
            for weight in plan.weights:
                for part in weight.parts:
                    self._checkpoint.require(part.name, part.shape)

    def _store_tokenizer(self, progress: Progress) -> Blob | None:
        """Store the tokenizer. Added tokens that the embedding has no row for are told.

        Published models have such (CodeLlama 34B, Gemma 3): a text with one is refused when asked.
        """
        content = self._checkpoint.tokenizer_content
        if content is None:
            return None
        place = self._checkpoint.folder / TOKENIZER_FILE
        tokenizer = TextTokenizer.from_content(content, place)
        known, usable = tokenizer.vocabulary_size, self._family.dimensions.vocabulary_size
        if tokenizer.ordinary_size > usable:
            raise BadInputError("tokenizer.of_other_model", known=known, usable=usable)
        if known > usable:
            progress(Fact("tokenizer.added_beyond", known=known, usable=usable), 0, 1)
        return self._store.put_bytes(content)

    def _texts(self, tokenizer: Blob | None, progress: Progress) -> Texts:
        """Return what four bits are calibrated by: nothing where no matrix asks for it."""
        if self._quantization is not Quantization.Q4:
            return ()
        if tokenizer is None:
            progress(Fact("import.uncalibrated"), 0, 1)
            return ()
        if why_not := uncalibrated(self._family):
            progress(why_not, 0, 1)
            return ()
        reader = TextTokenizer.from_file(self._store.path(tokenizer.sha256))
        usable = self._family.dimensions.vocabulary_size
        text = self._calibration or SampleText.read(BUILT_IN)
        tokens = [token for token in reader.encode(text.content) if token < usable]
        if len(tokens) < LEAST_TOKENS:
            raise BadInputError("import.calibration_short", text=text.name, least=LEAST_TOKENS)
        return sequences(tokens, self._plans, self._family.dimensions)

    def _write_blocks(self, texts: Texts, progress: Progress) -> None:
        writer = BlockWriter(
            self._checkpoint,
            self._family,
            self._quantization,
            self._store,
            self._record,
            texts,
        )
        tables = writer.tables()
        if tables:
            self._keep(tables)
        for index, plan in enumerate(self._plans):
            if plan.weights:
                self._keep(writer.written(index, self._tensors))
            progress(_stage(plan, index), index + 1, len(self._plans))
        if writer.rounded_twice:
            progress(Fact("import.rounded_twice"), len(self._plans), len(self._plans))

    def _keep(self, block: WrittenBlock) -> None:
        blob, tensors = block
        self._blobs.append(blob)
        self._tensors.update({tensor.name: tensor for tensor in tensors})

    def _manifest(self, name: str, tokenizer: Blob | None) -> ModelManifest:
        sizes = self._family.dimensions
        blobs = {blob.sha256: blob for blob in self._blobs}
        blocks = BlockAccountant(self._plans, sizes, self._tensors, blobs).blocks()
        blocks = with_source_graphs(self._family, blocks, self._tensors, self._store)
        blobs |= {blob.sha256: blob for block in blocks for blob in block.blobs}
        bare = bare_manifest(name, self._family, self._quantization, blocks)
        return replace(
            bare,
            begin_token=self._checkpoint.begin_token,
            end_tokens=self._checkpoint.end_tokens,
            tokenizer=tokenizer,
            pad_token=next(iter(self._checkpoint.configuration.tokens("pad_token_id")), None),
            chat_template=self._store_chat_template(),
            answer_begins_with=begins_with(self._checkpoint, self._family),
            weights=tuple(self._store.weight_file(blob) for blob in blobs.values()),
        )

    def _store_chat_template(self) -> Blob | None:
        template = self._checkpoint.chat_template
        return None if template is None else self._store.put_bytes(template.to_json())


def bare_manifest(
    name: str, family: Family, quantization: Quantization, blocks: tuple[Block, ...]
) -> ModelManifest:
    """Return a model's manifest with what follows from its family; it has no tokens yet."""
    sizes, answer = family.dimensions, family.answer
    return ModelManifest(
        name=name,
        family=family.name,
        quantization=quantization.value,
        hidden_size=sizes.hidden_size,
        vocabulary_size=sizes.vocabulary_size,
        context_tokens=sizes.context_tokens,
        attention_heads=sizes.attention_heads,
        kv_heads=sizes.kv_heads,
        head_size=sizes.head_size,
        begin_token=None,
        end_tokens=(),
        blocks=blocks,
        tokenizer=None,
        task=answer.task,
        labels=answer.labels,
        scoring=answer.scoring,
        encoder_layers=encoder_layers_of(family),
        eyes=eyes_of(family),
    )


def _stage(plan: BlockPlan, index: int) -> Fact:
    match plan.kind:
        case BlockKind.EMBEDDING:
            return Fact("block.embedding")
        case BlockKind.LAYER:
            return Fact("block.layer", layer=index)
        case BlockKind.HEAD:
            return Fact("block.head")
        case _:
            assert_never(plan.kind)
