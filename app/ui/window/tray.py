"""Tells a person who looks elsewhere: a slash, heat, a phone lost, a long text finished."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QSystemTrayIcon, QWidget

from app.rack.snapshot import RackSnapshot, RequestState, TimelineEvent, TimelineKind
from app.ui.rack_link import RackLink
from app.words.requests import finished_text
from app.words.sentences import fact_text

LONG_S = 60.0
"""A text that took longer is told of when it is finished."""
_TOLD = frozenset({TimelineKind.SLASH, TimelineKind.AUDIT_FAILED, TimelineKind.FAILOVER})
_CODES = frozenset({"phone.stopped_answering", "balance.hot"})


class Tray(QObject):
    """Shows nothing while the window is in front, or where the desktop has no place for it."""

    def __init__(self, link: RackLink, window: QWidget, icon: QIcon) -> None:
        super().__init__(window)
        self._window = window
        self._seen: int | None = None
        """The sequence of the newest event there was; None before the first snapshot."""
        self._running: set[str] = set()
        self.icon = QSystemTrayIcon(icon, self)
        self.icon.setToolTip("Shardloom")
        self.icon.activated.connect(lambda _: self._come_forward())
        self.icon.messageClicked.connect(self._come_forward)
        if QSystemTrayIcon.isSystemTrayAvailable():
            self.icon.show()
        link.snapshot_changed.connect(self._take)

    def _take(self, snapshot: RackSnapshot) -> None:
        newest = max((event.sequence for event in snapshot.timeline), default=0)
        if self._seen is not None:
            for event in snapshot.timeline:
                if event.sequence > self._seen and is_worth_telling(event):
                    self.tell(fact_text(event.fact))
        self._seen = max(newest, self._seen or 0)
        for request in snapshot.requests:
            if not request.state.ended:
                self._running.add(request.identifier)
            elif request.identifier in self._running:
                self._running.discard(request.identifier)
                if request.state is RequestState.SETTLED and request.text_s > LONG_S:
                    self.tell(finished_text(request))

    def tell(self, words: str) -> None:
        """Show a message, unless the window is what the person looks at."""
        if not self._window.isActiveWindow() and self.icon.isVisible():
            self.icon.showMessage("Shardloom", words, self.icon.icon())

    def _come_forward(self) -> None:
        self._window.showNormal()
        self._window.raise_()
        self._window.activateWindow()


def is_worth_telling(event: TimelineEvent) -> bool:
    """Tell whether a person who looks elsewhere should hear of it."""
    facts = (event.fact.mentions_code(code) for code in _CODES)
    return event.kind in _TOLD or any(facts)
