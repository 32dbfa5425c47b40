"""Keeps texts and conversations over restarts, where a person lets it."""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from app.ui.background_reader import BackgroundReader
from app.ui.playground.conversations.talk_files import (
    KeptTalk,
    forget_talks,
    kept_talks,
    read_talks,
    write_talks,
)
from app.ui.playground.conversations.talks import Talks
from app.ui.rack_link import RackLink
from app.ui.settings import Settings

LOOK_MS = 5000
_log = logging.getLogger("app")


class KeptTalks(QObject):
    """Writes what has changed every few seconds, on a thread, and once more at the end."""

    def __init__(self, talks: Talks, link: RackLink, settings: Settings, parent: QObject) -> None:
        super().__init__(parent)
        self._talks, self._settings = talks, settings
        self._path: Path = settings.folder / "talks.json"
        self._writer = BackgroundReader(link, self)
        self._written: tuple[KeptTalk, ...] = ()
        if settings.keep_talks:
            talks.restore(read_talks(self._path))
            self._written = self._now()
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
            self._writer.ask(partial(forget_talks, self._path), _nothing, _nothing)

    def close(self) -> None:
        """Write what there is; the window goes."""
        self._timer.stop()
        self._writer.close()
        now = kept_talks(self._talks.listed[::-1], cut_off=True)
        if self._settings.keep_talks and now != self._written:
            with suppress(OSError):
                write_talks(self._path, now)

    def _now(self) -> tuple[KeptTalk, ...]:
        return kept_talks(self._talks.listed[::-1])

    def _look(self) -> None:
        """Write where something has ended, was renamed or deleted."""
        now = self._now()
        if self._settings.keep_talks and now != self._written:
            self._written = now
            self._writer.ask(partial(write_talks, self._path, now), _nothing, self._failed)

    def _failed(self, why: str) -> None:
        _log.warning("Texts and conversations could not be kept: %s", why)


def _nothing(_: object) -> None:
    """Need no answer."""
