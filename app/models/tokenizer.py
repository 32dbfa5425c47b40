"""Text to tokens and back, over Hugging Face's tokenizers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from app.core.errors import BadInputError
from app.core.plain_text import plain_text

MAXIMUM_FILE_BYTES = 256 << 20
INCOMPLETE = "\ufffd"
_WINDOW_TOKENS = 64
_KEPT_TOKENS = 8


class TextTokenizer:
    """A model's tokenizer; safe to use from several threads."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        tokenizer.no_truncation()
        tokenizer.no_padding()

    @classmethod
    def from_file(cls, path: Path) -> TextTokenizer:
        """Read a `tokenizer.json`. Raises `BadInputError` where it is not one."""
        if path.stat().st_size > MAXIMUM_FILE_BYTES:
            raise BadInputError(f"{path} is too large to be a tokenizer.")
        try:
            return cls(Tokenizer.from_file(str(path)))
        except Exception as error:  # the library raises bare Exception only
            raise BadInputError(f"{path} is not a tokenizer: {error}.") from error

    @property
    def vocabulary_size(self) -> int:
        """One more than the highest token id."""
        return max(self._tokenizer.get_vocab(with_added_tokens=True).values(), default=-1) + 1

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


class StreamDecoder:
    """Turns tokens into text as they come; a character split over tokens waits until it is whole.

    All increments and `finish` together equal the decoding of all tokens at once.
    """

    def __init__(self, tokenizer: TextTokenizer) -> None:
        self._tokenizer = tokenizer
        self._window: list[int] = []
        self._shown = 0

    def push(self, token: int) -> str:
        """Return the text that one more token completes; often a word, sometimes nothing."""
        self._window.append(token)
        text = self._tokenizer.decode(self._window)
        stable = len(text) - text.endswith(INCOMPLETE)
        increment, self._shown = text[self._shown : stable], max(self._shown, stable)
        if len(self._window) > _WINDOW_TOKENS and stable == len(text):
            self._forget_old_tokens()
        return increment

    def finish(self) -> str:
        """Return what still waited: a character that was never completed."""
        text = self._tokenizer.decode(self._window)
        increment, self._shown = text[self._shown :], len(text)
        return increment

    def _forget_old_tokens(self) -> None:
        self._window = self._window[-_KEPT_TOKENS:]
        self._shown = len(self._tokenizer.decode(self._window))
