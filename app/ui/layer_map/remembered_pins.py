"""Layers that a person fixed to phones: kept between runs, by rack and model."""

from __future__ import annotations

import logging

from PySide6.QtCore import QObject

from app.placement.problem import Pin
from app.rack.commands import Apply, Replan
from app.rack.snapshot import Phase, RackSnapshot
from app.ui.layer_map.editor import AssignmentEditor
from app.ui.rack_link import RackLink
from app.ui.settings import Settings

_log = logging.getLogger(__name__)


class RememberedPins(QObject):
    """Plans with them again once the rack is ready, and puts that on the phones."""

    def __init__(
        self, link: RackLink, editor: AssignmentEditor, settings: Settings, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._link = link
        self._editor = editor
        self._settings = settings
        self._restored: str | None = None
        """The model whose pins were looked at."""
        link.snapshot_changed.connect(self._take)
        editor.edited.connect(self._keep)

    def _keep(self) -> None:
        snapshot = self._link.snapshot
        if snapshot is not None and snapshot.model_name:
            self._settings.save_pins(snapshot.model_name, self._editor.pins)

    def _take(self, snapshot: RackSnapshot) -> None:
        ready = snapshot.phase in (Phase.READY, Phase.RUNNING) and snapshot.applied is not None
        if not ready or snapshot.model_name == self._restored:
            return
        self._restored = snapshot.model_name
        there = {phone.serial for phone in snapshot.phones if phone.usable}
        pins = self._settings.pins(snapshot.model_name)
        kept = tuple(pin for pin in pins if pin.serial in there)
        if kept and not self._editor.pins:
            self._plan(snapshot, kept)

    def _plan(self, snapshot: RackSnapshot, pins: tuple[Pin, ...]) -> None:
        command = Replan(snapshot.objective, pins)
        self._link.ask(command, lambda _: self._apply(), self._note)

    def _apply(self) -> None:
        self._link.refresh()
        snapshot = self._link.snapshot
        if snapshot is not None and snapshot.requested != snapshot.applied:
            self._link.ask(Apply(), None, self._note)

    def _note(self, line: str) -> None:
        if line:
            _log.info("The pins of the last run were not put back: %s", line)
