"""Which rows of the journal the window holds: one run of entries without a gap. Qt-free."""

from __future__ import annotations

from collections.abc import Sequence

from app.ledger.views.snapshot import JournalRow

MOST_ROWS = 10_000
ROWS_FOLLOWED = 1_000
"""So many are held while the newest are shown: whoever reads back gets older ones read."""


class JournalRows:
    """What is read stays where it is: newer rows join at the end, older ones at the beginning.

    Where more came than a snapshot holds there would be a gap: then nothing joins until the newest
    are wanted.
    """

    def __init__(self) -> None:
        self.rows: tuple[JournalRow, ...] = ()
        self.complete = False
        """Whether the first row is the journal's first."""
        self._newest: tuple[JournalRow, ...] = ()

    @property
    def unseen(self) -> int:
        """How many entries came after the last row held."""
        if not (self.rows and self._newest):
            return 0
        return max(self._newest[-1].sequence - self.rows[-1].sequence, 0)

    @property
    def first(self) -> int | None:
        """The first row's number."""
        return self.rows[0].sequence if self.rows else None

    def take_newest(self, newest: Sequence[JournalRow], *, following: bool) -> None:
        """Take in the newest end of the journal, `following` where it is what is looked at."""
        self._newest = tuple(newest)
        if following or not self.rows:
            self.show_newest()
        elif len(self.rows) < MOST_ROWS:
            self._join()

    def show_newest(self) -> None:
        """Hold the newest end, with what is older as far as it follows on."""
        self._join()
        if self.unseen or not self.rows:
            self.rows = self._newest
        if len(self.rows) > ROWS_FOLLOWED:
            self.rows = self.rows[-ROWS_FOLLOWED:]
        self.complete = bool(self.rows) and self.rows[0].sequence == 1

    def take_older(
        self, older: Sequence[JournalRow], *, before: int | None, complete: bool
    ) -> None:
        """Put rows before the first one; beyond `MOST_ROWS` the newest ones make room.

        A page that was asked for `before` another row than the present first one is dropped.
        """
        if before == self.first:
            self.rows = (*older, *self.rows)[:MOST_ROWS]
            self.complete = complete

    def _join(self) -> None:
        if not self.rows:
            return
        last = self.rows[-1].sequence
        later = tuple(row for row in self._newest if row.sequence > last)
        if later and later[0].sequence == last + 1:
            self.rows = (*self.rows, *later)
