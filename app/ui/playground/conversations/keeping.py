"""Keeps texts and conversations over restarts, where a person lets it."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, QTimer

from app.core.errors import ShardloomError
from app.ui.background_reader import BackgroundReader
from app.ui.playground.conversations.talk_files import TalksFile
from app.ui.playground.conversations.talk_records import KeptTalk, kept_talks
from app.ui.playground.conversations.talks import Talks
from app.ui.rack_link import RackLink
from app.ui.settings import Settings
from app.words.sentences import error_text, fact_text

LOOK_MS = 5000
FILE = "talks.json"


class KeptTalks(QObject):
    """Writes what has changed every few seconds, on a thread, and once more at the end."""

    def __init__(self, talks: Talks, link: RackLink, settings: Settings, parent: QObject) -> None:
        super().__init__(parent)
        self._talks, self._settings, self._link = talks, settings, link
        self._file = TalksFile(settings.folder / FILE)
        self._writer = BackgroundReader(link, self)
        self._written: tuple[KeptTalk, ...] = ()
        self._may_write = True
        self._told = ""
        """What was told last: a disk that stays full is told of once."""
        if settings.keep_talks:
            self._restore()
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self._look)
        self._timer.start()

    def set_kept(self, kept: bool) -> None:  # noqa: FBT001 - a Qt slot
        """Keep them from now on, or nothing: what was kept is deleted."""
        self._settings.keep_talks = kept
        self._written = ()
        if kept:
            self._look()
        else:
            self._writer.ask(self._file.forgetting(), _nothing, _nothing)

    def close(self) -> None:
        """Write what there is, or make sure that nothing is kept; the window goes."""
        self._timer.stop()
        self._writer.close()
        now = kept_talks(self._talks.listed[::-1], cut_off=True)
        if not self._settings.keep_talks:
            self._file.forgetting()()
        elif self._may_write and now != self._written:
            try:
                self._file.writing(now)()
            except ShardloomError as error:
                self._tell(error_text(error))

    def _restore(self) -> None:
        earlier = self._file.read()
        self._talks.restore(earlier.talks)
        self._may_write = earlier.may_write
        if earlier.told is None:
            self._written = self._now()
        else:
            told = fact_text(earlier.told)  # once the window is there to tell it
            QTimer.singleShot(0, self, partial(self._tell, told))

    def _now(self) -> tuple[KeptTalk, ...]:
        return kept_talks(self._talks.listed[::-1])

    def _look(self) -> None:
        """Write where something has ended, was renamed or deleted."""
        now = self._now()
        if self._settings.keep_talks and self._may_write and now != self._written:
            self._written = now
            self._writer.ask(self._file.writing(now), _nothing, self._failed)

    def _failed(self, why: str) -> None:
        self._written = ()
        self._tell(why)

    def _tell(self, line: str) -> None:
        if line != self._told:
            self._told = line
            self._link.failed.emit(line)


def _nothing(_: object) -> None:
    """Need no answer."""
