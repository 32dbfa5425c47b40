"""Layers that a person fixed to phones: kept between runs, by rack and model.

They are planned with again together with the conditions of every plan.
"""

from __future__ import annotations

import logging

from PySide6.QtCore import QObject

from app.core.identifiers import Serial
from app.placement.conditions import Conditions
from app.placement.problem import Pin
from app.rack.commands import Apply, Replan
from app.rack.snapshot import Phase, RackSnapshot
from app.ui.layer_map.editor import AssignmentEditor
from app.ui.layer_map.remembered_conditions import RememberedConditions
from app.ui.rack_link import RackLink
from app.ui.settings import Settings

_log = logging.getLogger(__name__)


_READY = (Phase.READY, Phase.RUNNING, Phase.DEGRADED)


class RememberedPins(QObject):
    """Plans with them again once the rack is ready, and puts that on the phones.

    What is kept is what is in force and what waits: pins of phones that are not there, and pins
    that could not be planned with, until a person pins or frees a phone.
    """

    def __init__(
        self, link: RackLink, editor: AssignmentEditor, settings: Settings, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._link = link
        self._editor = editor
        self._settings = settings
        self._conditions = RememberedConditions(link, settings, self)
        self._restored: str | None = None
        """The model whose pins were looked at."""
        self._waiting: set[Serial] = set()
        """Phones whose pins are kept though they are not in force."""
        self._tried: set[Serial] = set()
        """Those of them that a plan was or is asked for with."""
        link.snapshot_changed.connect(self._take)
        editor.edited.connect(self._keep)
        editor.pin_toggled.connect(self._toggled)

    def _keep(self) -> None:
        snapshot = self._link.snapshot
        if snapshot is None or snapshot.model_name != self._restored:
            return
        stored, there = self._settings.pins(self._restored), _usable(snapshot)
        self._waiting |= {pin.serial for pin in stored if pin.serial not in there}
        self._save(self._restored, stored)

    def _save(self, model: str, stored: tuple[Pin, ...]) -> None:
        pins = self._editor.pins
        waiting = self._waiting - {pin.serial for pin in pins}
        kept = tuple(pin for pin in stored if pin.serial in waiting)
        self._settings.save_pins(model, (*pins, *kept))

    def _toggled(self, serial: str) -> None:
        """Take what a person pins or frees for what is wanted, also of what was refused."""
        self._waiting -= self._tried | {Serial(serial)}
        self._tried.clear()
        snapshot = self._link.snapshot
        if snapshot is not None and snapshot.model_name == self._restored:
            self._save(self._restored, self._settings.pins(self._restored))

    def _take(self, snapshot: RackSnapshot) -> None:
        ready = snapshot.phase in _READY and snapshot.applied is not None
        if not ready or snapshot.model_name == self._restored:
            return
        self._restored = snapshot.model_name
        conditions = self._conditions.begin(snapshot)
        stored, there = self._settings.pins(snapshot.model_name), _usable(snapshot)
        self._waiting = {pin.serial for pin in stored}
        self._tried = self._waiting & there
        if snapshot.pins:
            return
        own = self._editor.pins
        held = {pin.serial for pin in own}
        kept = tuple(pin for pin in stored if pin.serial in there - held)
        if kept or conditions is not None:
            self._plan(snapshot, (*own, *kept), conditions)
        elif own:
            self._keep()

    def _plan(
        self, snapshot: RackSnapshot, pins: tuple[Pin, ...], conditions: Conditions | None
    ) -> None:
        command = Replan(snapshot.objective, pins, conditions)
        self._link.ask(command, lambda _: self._planned(snapshot.model_name), self._note)

    def _planned(self, model: str) -> None:
        self._link.refresh()
        snapshot = self._link.snapshot
        if snapshot is None or snapshot.model_name != model:
            return
        self._waiting -= self._tried
        self._tried.clear()
        self._keep()
        if snapshot.requested != snapshot.applied:
            self._link.ask(Apply(), None, self._note)

    def _note(self, line: str) -> None:
        if line:
            _log.info("The pins and conditions of the last run were not put back: %s", line)


def _usable(snapshot: RackSnapshot) -> set[Serial]:
    return {phone.serial for phone in snapshot.phones if phone.usable}
