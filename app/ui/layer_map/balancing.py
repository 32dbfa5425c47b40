"""The control that lets layers move by themselves, and the line that tells of moves."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox, QLabel

from app.placement.rebalancing.setting import Balancing
from app.rack.commands import SetBalancing
from app.rack.snapshot import BalancingSnapshot, RackSnapshot
from app.ui.looks.spoken import spoken, spoken_items
from app.ui.rack_link import RackLink
from app.words.layer_map import balancing_line
from app.words.states import balancing_word


class BalancingControl(QComboBox):
    """Off, ask or on. Follows the rack; what a person picks is sent to it."""

    def __init__(self, link: RackLink) -> None:
        super().__init__()
        self._link = link
        self._known: BalancingSnapshot | None = None
        self.line = QLabel()
        self.line.setObjectName("muted")
        self.line.setWordWrap(True)
        self.line.hide()
        for mode in Balancing:
            self.addItem("", mode)
        spoken_items(self, lambda mode: balancing_word(Balancing(mode)))
        spoken(self.setAccessibleName, "Whether layers move by themselves")
        spoken(self.setToolTip, "Whether layers move by themselves")
        link.snapshot_changed.connect(self._follow)
        self.activated.connect(self._send)

    def _send(self) -> None:
        self._link.submit(SetBalancing(Balancing(self.currentData())), refused=self._forget)

    def _forget(self) -> None:
        """Show again what the rack does, whatever was picked."""
        self._known = None

    def _follow(self, snapshot: RackSnapshot) -> None:
        names = {
            phone.serial: phone.description.name for phone in snapshot.phones if phone.description
        }
        words = balancing_line(snapshot.balancing, names)
        if words != self.line.text():
            self.line.setText(words)
            self.line.setVisible(bool(words))
        if snapshot.balancing != self._known:
            self._known = snapshot.balancing
            self.setCurrentIndex(self.findData(snapshot.balancing.mode))
