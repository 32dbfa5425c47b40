"""The text that tokens add one by one, as it can be shown at once and need not be taken back.

Each token is decoded together with the few before it alone, as the whole text would take longer
with each token: the way of TGI's and vLLM's incremental detokenisers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.models.formats.tokenizer import TextTokenizer

LONGEST_CHARACTER: Final = 4
"""Tokens: bytes of UTF-8, of which a vocabulary may have one each."""
BROKEN_CHARACTER: Final = "\N{REPLACEMENT CHARACTER}"


class ShownText:
    """Holds back what is no whole character yet, and what may become a stop text."""

    def __init__(self, tokenizer: TextTokenizer | None, stop: Sequence[str]) -> None:
        """Without a tokenizer the token ids are the text."""
        self._tokenizer = tokenizer
        self._stop = tuple(stop)
        self._begin()

    def add(self, token: int, *, last: bool) -> str:
        """Return what becomes visible with one more token; all that there is with the `last`."""
        self._tokens.append(token)
        self._held += self._decoded(last=last)
        return self._let_go(last=last)

    def go_back_to(self, tokens: Sequence[int]) -> None:
        """Begin again after these tokens, of which everything was shown before."""
        self._begin()
        for token in tokens:
            self.add(token, last=False)

    def _begin(self) -> None:
        self._tokens: list[int] = []
        self._from = 0
        """First token that is decoded for what the next one adds."""
        self._done = 0
        """Tokens of which the text is out."""
        self._held = ""
        self._stopped = False

    def _decoded(self, *, last: bool) -> str:
        """Return the text of tokens that are not out yet; empty amid a character."""
        if self._tokenizer is None:
            return f"{' ' if len(self._tokens) > 1 else ''}{self._tokens[-1]}"
        before = self._tokenizer.decode(self._tokens[self._from : self._done])
        text = self._tokenizer.decode(self._tokens[self._from :])
        waited = len(self._tokens) - self._done
        if text.endswith(BROKEN_CHARACTER) and waited < LONGEST_CHARACTER and not last:
            return ""
        self._from, self._done = self._done, len(self._tokens)
        return text[len(before) :]

    def _let_go(self, *, last: bool) -> str:
        """Return what is held as far as it is no stop text and will not become one."""
        if self._stopped:
            return ""
        found = [position for stop in self._stop if (position := self._held.find(stop)) >= 0]
        self._stopped = bool(found)
        end = min(found) if found else len(self._held)
        if not found and not last:
            end -= max((_overlap(self._held, stop) for stop in self._stop), default=0)
        shown, self._held = self._held[:end], self._held[end:]
        return shown


def _overlap(text: str, stop: str) -> int:
    """Return how many characters at the end of a text begin a stop text."""
    longest = min(len(text), len(stop) - 1)
    return next((size for size in range(longest, 0, -1) if stop.startswith(text[-size:])), 0)
