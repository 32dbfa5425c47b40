"""How well what is typed fits a text: letters in order, the nearer together the better. Qt-free."""

from __future__ import annotations

_START_OF_WORD = 6
_NEXT_TO_EACH_OTHER = 4
_GAP = 1
_LETTERS_A_POINT = 8
"""The shorter of two texts that fit alike is meant."""


def fuzzy_score(typed: str, text: str) -> int | None:
    """Return how well it fits, more is better; None where a letter is missing.

    Words may be typed in any order; each has its letters in order. To nothing all fits alike.
    """
    if not typed.strip():
        return 0
    low = text.lower()
    scores = [_word_score(word, low) for word in typed.lower().split()]
    if any(score is None for score in scores):
        return None
    return sum(score for score in scores if score is not None) - len(text) // _LETTERS_A_POINT


def _word_score(word: str, text: str) -> int | None:
    if word in text:
        begins = text.startswith(word) or f" {word}" in text
        return (_START_OF_WORD if begins else 0) + _NEXT_TO_EACH_OTHER * (len(word) - 1)
    if not _has_in_order(word, text):
        return None
    best: list[int | None] = [None] * len(text)
    for number, letter in enumerate(word):
        best = _with_letter(best, letter, text, first=number == 0)
    return max(score for score in best if score is not None)


def _has_in_order(word: str, text: str) -> bool:
    place = -1
    for letter in word:
        place = text.find(letter, place + 1)
        if place < 0:
            return False
    return True


def _with_letter(
    before: list[int | None], letter: str, text: str, *, first: bool
) -> list[int | None]:
    """Return the best score by where this letter is, given those by where the one before was."""
    scores: list[int | None] = [None] * len(text)
    reached: int | None = 0 if first else None
    for place, each in enumerate(text):
        if each == letter:
            begins = place == 0 or not text[place - 1].isalnum()
            apart = None if reached is None else reached + (_START_OF_WORD if begins else -_GAP)
            previous = before[place - 1] if place and not first else None
            near = None if previous is None else previous + _NEXT_TO_EACH_OTHER
            known = [score for score in (apart, near) if score is not None]
            scores[place] = max(known, default=None)
        here = before[place]
        if not first and here is not None:
            reached = here if reached is None else max(reached, here)
    return scores
