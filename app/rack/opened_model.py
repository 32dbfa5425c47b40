"""A model with what is needed to talk to it: its tokenizer and its chat template."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.errors import BadInputError
from app.core.model import ModelManifest
from app.models.chat_template import ChatTemplate
from app.models.library import Library
from app.models.tokenizer import TextTokenizer


@dataclass(frozen=True)
class OpenedModel:
    """Tokenizer and template are None where the model came without."""

    manifest: ModelManifest
    tokenizer: TextTokenizer | None = None
    chat_template: ChatTemplate | None = None

    @classmethod
    def open(cls, library: Library, name: str) -> OpenedModel:
        """Read everything. Raises `BadInputError` for a model that is unknown or damaged."""
        manifest = library.get(name)
        return cls(manifest, library.tokenizer(manifest), library.chat_template(manifest))

    def require_tokenizer(self) -> TextTokenizer:
        """Return the tokenizer. Raises `BadInputError` where there is none."""
        if self.tokenizer is None:
            raise BadInputError(f"{self.manifest.name} has no tokenizer: give token ids.")
        return self.tokenizer
