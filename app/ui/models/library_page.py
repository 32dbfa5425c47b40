"""The models that are here: which is on the rack, use another, remove one."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.core.model import DEMO_MODEL
from app.core.units import format_bytes
from app.rack.commands import UseModel
from app.rack.snapshot import ModelChoice, Phase, RackSnapshot
from app.ui.background_reader import BackgroundReader
from app.ui.looks.appearance import Appearance
from app.ui.looks.spoken import spoken
from app.ui.looks.table import Column, RowsModel, Table
from app.ui.models.desk import ModelDesk
from app.ui.rack_link import RackLink
from app.words.catalogue import message, tr
from app.words.pages.models import deleted_text, sure_to_delete
from app.words.sentences import fact_text
from app.words.states import harmed_word

_SURE_MS = 4000


class LibraryPage(QWidget):
    """Follows the rack; Delete asks once more in its own words."""

    def __init__(self, link: RackLink, desk: ModelDesk, appearance: Appearance) -> None:
        super().__init__()
        self._link, self._desk, self._appearance = link, desk, appearance
        self._opening = False
        self._reader = BackgroundReader(link, self)
        self.table = Table(RowsModel[ModelChoice](self._columns(), lambda model: model.name))
        spoken(self.table.setAccessibleName, "Models that are here")
        self.use, self.delete, self.line = QPushButton(), QPushButton(), QLabel()
        self.use.setObjectName("primary")
        spoken(self.use.setText, "Use on the rack")
        spoken(self.use.setToolTip, "Text that is being written stops when the model changes.")
        self.line.setObjectName("muted")
        self.line.setWordWrap(True)
        self._sure = QTimer(self, singleShot=True, interval=_SURE_MS)
        self._sure.timeout.connect(self._say)
        self._deleting = False
        self.use.clicked.connect(self._use)
        self.delete.clicked.connect(self._delete)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._stop_asking())
        self.table.activated.connect(lambda _: self._use())
        buttons = QHBoxLayout()
        buttons.addWidget(self.line, 1)
        buttons.addWidget(self.delete)
        buttons.addWidget(self.use)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.addWidget(self.table, 1)
        layout.addLayout(buttons)
        link.snapshot_changed.connect(self._follow)
        link.opened.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """List the models there are now, once they are read; none before a rack is open."""
        self._link.read(lambda rack: rack.models(), self._list, self.line.setText)
        self._say()

    def _list(self, models: tuple[ModelChoice, ...]) -> None:
        self.table.rows.show_rows(models)
        if self.table.rows.rowCount() and not self.table.currentIndex().isValid():
            self.table.selectRow(0)
        self._say()

    def close_reader(self) -> None:
        """Wait for nothing any more."""
        self._reader.close()

    @property
    def _chosen(self) -> ModelChoice | None:
        row, rows = self.table.currentIndex().row(), self.table.rows.rows
        return rows[row] if 0 <= row < len(rows) else None

    def _on_rack(self, model: ModelChoice) -> bool:
        snapshot = self._link.snapshot
        return snapshot is not None and snapshot.model_name == model.name

    def _follow(self, _snapshot: RackSnapshot) -> None:
        self._say()

    @property
    def _settled(self) -> bool:
        """Whether the model on the rack is known, and none is being opened."""
        snapshot = self._link.snapshot
        return not self._opening and snapshot is not None and snapshot.phase is not Phase.STARTING

    def _stop_asking(self) -> None:
        self._sure.stop()
        self._say()

    def _say(self) -> None:
        chosen = self._chosen
        free = chosen is not None and self._settled and not self._on_rack(chosen)
        self.use.setEnabled(free)
        kept = self._deleting or chosen is None or chosen.name == DEMO_MODEL
        self.delete.setEnabled(free and not kept)
        asking = self._sure.isActive() and chosen is not None
        self.delete.setText(sure_to_delete(chosen.name) if asking and chosen else tr("Delete"))
        self.table.rows.repaint()

    def _use(self) -> None:
        chosen = self._chosen
        if chosen is not None and self._settled and not self._on_rack(chosen):
            self._opening = True
            self._say()
            self._link.ask(UseModel(chosen.name), lambda _: self._opened(""), self._opened)

    def _opened(self, line: str) -> None:
        self._opening = False
        self.line.setText(line)
        self._link.refresh()
        self._say()

    def _delete(self) -> None:
        chosen = self._chosen
        if chosen is None or not self._settled or self._on_rack(chosen):
            return
        if not self._sure.isActive():
            self._sure.start()
            self._say()
            return
        self._sure.stop()
        name, self._deleting = chosen.name, True
        self._reader.ask(
            lambda: self._desk.delete(name),
            lambda freed: self._deleted(deleted_text(name, freed)),
            self._deleted,
        )
        self._say()

    def _deleted(self, line: str) -> None:
        self._deleting = False
        self.line.setText(line)
        self.refresh()

    def _columns(self) -> tuple[Column[ModelChoice], ...]:
        right, tokens = Qt.AlignmentFlag.AlignRight, self._appearance
        return (
            Column(message("Name"), lambda row: row.name),
            Column(message("Weights as"), lambda row: row.quantization),
            Column(message("Layers"), lambda row: str(row.layers), right),
            Column(message("Size"), lambda row: format_bytes(row.weight_bytes), right),
            Column(
                message("Quality"),
                lambda row: harmed_word() if row.harm else "",
                colour=lambda _: tokens.tokens.warn,
                tooltip=lambda row: fact_text(row.harm) if row.harm else "",
            ),
            Column(
                message("State"),
                lambda row: tr("on the rack") if self._on_rack(row) else "",
                colour=lambda _: tokens.tokens.good,
            ),
        )
