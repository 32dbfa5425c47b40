"""Places that a person added to a rack: kept between runs, they join again when it opens."""

from __future__ import annotations

import logging
from functools import partial

from PySide6.QtCore import QObject, Signal

from app.rack.commands.pairing import AddPlace
from app.rack.pairing import Place
from app.ui.rack_link import RackLink
from app.ui.settings import Settings

_log = logging.getLogger(__name__)


class RememberedPlaces(QObject):
    """Reads and writes them in the settings of the window."""

    changed = Signal()

    def __init__(self, link: RackLink, settings: Settings, parent: QObject) -> None:
        super().__init__(parent)
        self._link = link
        self._settings = settings
        link.opened.connect(self._join_again)

    @property
    def places(self) -> tuple[Place, ...]:
        """All of this rack, in the order they were added."""
        return self._settings.places

    def remember(self, place: Place) -> None:
        """Keep a place, once."""
        if place not in self.places:
            self._keep((*self.places, place))

    def forget(self, place: Place) -> None:
        """Keep a place no longer; while this rack is open its phones stay."""
        self._keep(tuple(kept for kept in self.places if kept != place))

    def _keep(self, places: tuple[Place, ...]) -> None:
        self._settings.places = places
        self.changed.emit()

    def _join_again(self) -> None:
        for place in self.places:
            self._link.ask(AddPlace(place, patient=True), None, partial(_note, place))


def _note(place: Place, line: str) -> None:
    if line:
        _log.info("%s %s did not join again: %s", place.kind, place.address, line)
