"""Drafts of the next tokens, looked up in the text so far, and whether they pay.

Prompt lookup (A. Saxena, 2023): where the newest tokens were there before, what followed them then
is guessed to follow again. The ring computes the guesses behind the token that is certain, in one
round; those that the last stage chooses too are right, the others are withdrawn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from statistics import median
from typing import Final

from workers.protocol.step_message import MAXIMUM_DRAFTS

_FIRST_DRAFTS: Final = 4
_NEEDLES: Final = (3, 2)
"""How many of the newest tokens have to be found; the longest first."""
_PLAIN_ROUNDS: Final = 15
_FEWEST_PLAIN_ROUNDS: Final = 2
_PLAIN_EVERY: Final = 64
"""After so many drafted rounds one goes without, so that what it takes stays known."""
_LOSS_SHARE: Final = 0.01
"""How much of the time may be lost by drafts that are wrong."""
_MOST_SAVED_ROUNDS: Final = 4
"""What was saved is forgotten beyond that: a text may change."""
_LONGEST_ROUNDS: Final = 4
"""A drafted round counts as that many plain ones at most: a hiccup is no fault of its drafts."""


class TextSoFar:
    """The tokens of a text and where each few of them stood last."""

    def __init__(self, tokens: Iterable[int]) -> None:
        self._tokens: list[int] = []
        self._followed: dict[tuple[int, ...], int] = {}
        for token in tokens:
            self.add(token)

    def add(self, token: int) -> None:
        """Take in the next token."""
        place = len(self._tokens)
        for length in _NEEDLES:
            if place >= length:
                self._followed[tuple(self._tokens[-length:])] = place
        self._tokens.append(token)

    def drafts(self, most: int) -> tuple[int, ...]:
        """Return what followed the newest tokens when they were there before, so many at most.

        What comes to the end of the text goes on with the drafts themselves.
        """
        for length in _NEEDLES:
            place = self._followed.get(tuple(self._tokens[-length:]))
            if place is not None and len(self._tokens) >= length:
                return self._from(place, most)
        return ()

    def _from(self, place: int, most: int) -> tuple[int, ...]:
        found = self._tokens[place : place + most]
        period = len(self._tokens) - place
        while len(found) < most:
            found.append(found[-period])
        return tuple(found)


class DraftCredit:
    """How many drafts a round may carry; what they cost and saved so far decides.

    A round without drafts brings one token. One with drafts has saved a plain round for each that
    was right, and cost what it took longer. Losses may come to a hundredth of the time and one
    round: where drafts do not pay there are hardly any.
    """

    def __init__(self) -> None:
        self._plain_s: deque[float] = deque(maxlen=_PLAIN_ROUNDS)
        self._since_plain = 0
        self._total_s = 0.0
        self._saved_s = 0.0
        self._size = _FIRST_DRAFTS

    @property
    def most_drafts(self) -> int:
        """How many drafts the next round may carry."""
        if len(self._plain_s) < _FEWEST_PLAIN_ROUNDS or self._since_plain >= _PLAIN_EVERY:
            return 0
        allowed_s = _LOSS_SHARE * self._total_s + median(self._plain_s)
        return self._size if self._saved_s > -allowed_s else 0

    def learn(self, round_s: float, drafts: int, accepted: int) -> None:
        """Take in a round that carried so many drafts, of which so many were right."""
        self._total_s += round_s
        if drafts == 0:
            self._plain_s.append(round_s)
            self._since_plain = 0
            return
        self._since_plain += 1
        plain_s = median(self._plain_s)
        longer_s = min(round_s, _LONGEST_ROUNDS * plain_s) - plain_s
        saved_s = self._saved_s + accepted * plain_s - longer_s
        self._saved_s = min(saved_s, _MOST_SAVED_ROUNDS * plain_s)
        if accepted == drafts:
            self._size = min(2 * self._size, MAXIMUM_DRAFTS)
        elif accepted < drafts / 2:
            self._size = max(self._size // 2, 1)


class PromptLookup:
    """One request's drafts, at its last stage. Used by the main thread only; times by its clock."""

    def __init__(self, history: Iterable[int]) -> None:
        self._text = TextSoFar(history)
        self._credit = DraftCredit()
        self._sent_ns: int | None = None
        self.drafts: tuple[int, ...] = ()
        """Those of the round that is on its way."""

    def add(self, token: int) -> None:
        """Take in the token that was chosen."""
        self._text.add(token)

    def begin_round(self, most: int, now_ns: int | None) -> tuple[int, ...]:
        """Return the drafts of a round that begins now, so many at most.

        One that is begun at None is not like the others, and teaches nothing of their time.
        """
        self._sent_ns = now_ns
        self.drafts = self._text.drafts(min(most, self._credit.most_drafts))
        return self.drafts

    def carried(self, drafts: int) -> None:
        """Note how many drafts of the round have come: the host may leave the last ones out."""
        self.drafts = self.drafts[:drafts]

    def stands(self, index: int, token: int | None) -> bool:
        """Tell whether the draft of that place is the token that was chosen there."""
        return index < len(self.drafts) and self.drafts[index] == token

    def end_round(self, accepted: int, now_ns: int) -> None:
        """Note that the round has come back; so many of its drafts were right."""
        if self._sent_ns is not None:
            self._credit.learn((now_ns - self._sent_ns) / 1e9, len(self.drafts), accepted)
        self._sent_ns, self.drafts = None, ()
