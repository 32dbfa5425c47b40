"""A model with what is needed to talk to it, and what a front end is told of one."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.errors import BadInputError
from app.core.model import ModelManifest
from app.core.tasks import tasks_of
from app.models.chat.chat_template import ChatTemplate
from app.models.formats.tokenizer import TextTokenizer
from app.models.library import Library
from app.models.quantization.harm import harm_of
from app.models.stored_model import Quality
from app.rack.snapshot import ModelChoice


@dataclass(frozen=True)
class OpenedModel:
    """Tokenizer and template are None where the model came without.

    `quality` is None where it was not measured.
    """

    manifest: ModelManifest
    tokenizer: TextTokenizer | None = None
    chat_template: ChatTemplate | None = None
    quality: Quality | None = None
    cut_stable_on: str = ""
    """For phones of this class rows are the same however a text is cut; for none where empty."""

    @classmethod
    def open(cls, library: Library, name: str) -> OpenedModel:
        """Read everything. Raises `BadInputError` for a model that is unknown or damaged.

        One that was imported before there were roots over weights gets them, which takes a while.
        """
        manifest = library.rooted(name)
        return cls(
            manifest,
            library.tokenizer(manifest),
            library.chat_template(manifest),
            library.quality(manifest),
            library.cut_stable_on(manifest),
        )

    def require_tokenizer(self) -> TextTokenizer:
        """Return the tokenizer. Raises `BadInputError` where there is none."""
        if self.tokenizer is None:
            raise BadInputError("model.no_tokenizer", model=self.manifest.name)
        return self.tokenizer


def choice_of(manifest: ModelManifest, quality: Quality | None) -> ModelChoice:
    """Return what a front end is told of a model."""
    blobs = {blob for block in manifest.blocks for blob in block.blobs}
    return ModelChoice(
        manifest.name,
        manifest.quantization,
        manifest.layer_count,
        sum(blob.size_bytes for blob in blobs),
        tasks_of(manifest),
        harm_of(manifest, quality),
        manifest.eyes is not None,
    )
