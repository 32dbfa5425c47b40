"""What a person asks of every plan: kept between runs, by rack."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.placement.conditions import UNCONDITIONAL, Conditions
from app.rack.snapshot import RackSnapshot
from app.ui.rack_link import RackLink
from app.ui.settings import Settings


class RememberedConditions(QObject):
    """What is kept is what was changed while the rack was open, whoever changed it."""

    def __init__(self, link: RackLink, settings: Settings, parent: QObject) -> None:
        super().__init__(parent)
        self._settings = settings
        self._seen: Conditions | None = None
        """What the rack asked last; None until it was first ready."""
        link.snapshot_changed.connect(self._keep)

    def begin(self, snapshot: RackSnapshot) -> Conditions | None:
        """Return what to plan with now that the rack is ready; None where it has conditions.

        Those that it has already, of its file, stand.
        """
        first, self._seen = self._seen is None, snapshot.conditions
        stored = self._settings.conditions
        wanted = first and stored != UNCONDITIONAL and snapshot.conditions == UNCONDITIONAL
        return stored if wanted else None

    def _keep(self, snapshot: RackSnapshot) -> None:
        if self._seen is not None and snapshot.conditions != self._seen:
            self._seen = self._settings.conditions = snapshot.conditions
