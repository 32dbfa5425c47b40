"""Text to tokens and back, over Hugging Face's tokenizers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from app.core.errors import BadInputError, reason_of
from app.models.formats.plain_text import plain_text

MAXIMUM_FILE_BYTES = 256 << 20


def read_tokenizer_file(path: Path) -> bytes:
    """Return what a `tokenizer.json` holds. Raises `BadInputError` where it is too large."""
    try:
        if path.stat().st_size > MAXIMUM_FILE_BYTES:
            raise BadInputError("tokenizer.too_large", path=str(path))
        return path.read_bytes()
    except OSError as error:
        raise BadInputError("tokenizer.not_one", path=str(path), reason=reason_of(error)) from error


class TextTokenizer:
    """A model's tokenizer; safe to use from several threads."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        tokenizer.no_truncation()
        tokenizer.no_padding()

    @classmethod
    def from_file(cls, path: Path) -> TextTokenizer:
        """Read a `tokenizer.json`. Raises `BadInputError` where it is not one."""
        return cls.from_content(read_tokenizer_file(path), path)

    @classmethod
    def from_content(cls, content: bytes, path: Path) -> TextTokenizer:
        """Read what a `tokenizer.json` holds; errors name the path that it came from."""
        try:
            return cls(Tokenizer.from_buffer(content))
        except Exception as error:  # the library raises bare Exception only
            raise BadInputError(
                "tokenizer.not_one", path=str(path), reason=reason_of(error)
            ) from error

    @property
    def vocabulary_size(self) -> int:
        """One more than the highest token id."""
        return self._size(with_added=True)

    @property
    def ordinary_size(self) -> int:
        """One more than the highest id that is not of a token added to the vocabulary."""
        return self._size(with_added=False)

    def _size(self, *, with_added: bool) -> int:
        return max(self._tokenizer.get_vocab(with_added_tokens=with_added).values(), default=-1) + 1

    def to_json(self) -> str:
        """Return it as a `tokenizer.json` holds it."""
        return str(self._tokenizer.to_str())

    def token_id(self, token: str) -> int | None:
        """Return the id of a token as it is written, or None where there is no such token."""
        found: int | None = self._tokenizer.token_to_id(token)
        return found

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text, begin token included where the model's template has one.

        Raises `BadInputError` for what is no text (see `plain_text`).
        """
        return list(self._tokenizer.encode(plain_text(text)).ids)

    def encode_rendered(self, text: str) -> list[int]:
        """Return the tokens of a text that has its special tokens already, from a chat template."""
        return list(self._tokenizer.encode(plain_text(text), add_special_tokens=False).ids)

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text without special tokens; bytes that are not UTF-8 show as U+FFFD."""
        return self._tokenizer.decode(list(tokens), skip_special_tokens=True)
