"""Models at the hub: search, does one fit this rack, import."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.rack.commands import Foresee
from app.rack.compared_plans import Foresight
from app.ui.background_reader import BackgroundReader
from app.ui.looks.appearance import Appearance, colour_words
from app.ui.looks.spoken import spoken, spoken_label
from app.ui.looks.table import Column, RowsModel, Table
from app.ui.models.desk import CACHES, FORMS, ForeseenModel, ModelDesk, OfferedModel
from app.ui.models.importing import Importing
from app.ui.rack_link import RackLink
from app.words.catalogue import message, tr
from app.words.model_forecast import download_text, foresight_text, unforeseen_text
from app.words.pages.models import models_found
from app.words.states import together

_RESTING_MS = 250
"""A row is asked about once it has been the current one for so long."""
_Wanted = tuple[str, str, str]


class HubPage(QWidget):
    """What is chosen goes into the field below; a name or path may be typed there too."""

    def __init__(
        self, link: RackLink, desk: ModelDesk, importing: Importing, appearance: Appearance
    ) -> None:
        super().__init__()
        self._link, self._desk, self._importing = link, desk, importing
        self._appearance = appearance
        self._search_reader, self._fit_reader = (
            BackgroundReader(link, self),
            BackgroundReader(link, self),
        )
        self.words, self.search, self.found = QLineEdit(), QPushButton(), QLabel()
        spoken(self.words.setPlaceholderText, "Words of the name, such as smollm2 instruct")
        spoken(self.words.setAccessibleName, "Words of the name")
        self.words.setClearButtonEnabled(True)
        spoken(self.search.setText, "Search the hub")
        self.found.setObjectName("muted")
        self.table = Table(RowsModel[OfferedModel](_columns(), lambda model: model.name))
        self.table.stretch_first_column()
        self.table.horizontalHeader().setResizeContentsPrecision(-1)  # rows come while it shows
        spoken(self.table.setAccessibleName, "Models at the hub")
        self.name, self.form = QLineEdit(), QComboBox()
        spoken(self.name.setPlaceholderText, "OWNER/NAME at the hub, or a folder here")
        spoken(self.name.setAccessibleName, "Model to import")
        for form in FORMS:
            self.form.addItem(form, form)
        spoken(self.form.setAccessibleName, "Weights as")
        self.cache = QComboBox()
        for cache in CACHES:
            self.cache.addItem(cache, cache)
        spoken(self.cache.setAccessibleName, "Text kept as")
        self.fit, self.start, self.line = QPushButton(), QPushButton(), QLabel()
        spoken(self.fit.setText, "Does it fit?")
        spoken(self.start.setText, "Import")
        self.start.setObjectName("primary")
        self.line.setWordWrap(True)
        self._resting = QTimer(self, singleShot=True, interval=_RESTING_MS)
        self._arrange()
        self._connect()
        self._enable()

    def close_readers(self) -> None:
        """Wait for nothing any more."""
        self._resting.stop()
        self._search_reader.close()
        self._fit_reader.close()

    def _connect(self) -> None:
        self.words.returnPressed.connect(self._search)
        self.search.clicked.connect(self._search)
        self.name.textChanged.connect(lambda _: self._renamed())
        self.name.returnPressed.connect(self._foresee)
        self.fit.clicked.connect(self._foresee)
        for choice in (self.form, self.cache):
            choice.activated.connect(lambda _: self._foresee())
        self.start.clicked.connect(self._import)
        self._resting.timeout.connect(self._foresee)
        self.table.selectionModel().currentRowChanged.connect(
            lambda row, _: self._choose(row.row())
        )
        self._importing.changed.connect(self._enable)

    def _renamed(self) -> None:
        """Tell nothing any more of what stood there before."""
        self._resting.stop()
        self._fit_reader.forget()
        self.line.clear()
        self._enable()

    def _enable(self) -> None:
        typed = bool(self.name.text().strip())
        self.fit.setEnabled(typed)
        self.start.setEnabled(typed and not self._importing.running)

    def _search(self) -> None:
        words = self.words.text().strip()
        if words:
            self.found.setText(tr("searching…"))
            self._search_reader.ask(
                lambda: self._desk.search(words), self._show_found, self.found.setText
            )

    def _show_found(self, models: Sequence[OfferedModel]) -> None:
        self.table.rows.show_rows(models)
        self.found.setText(models_found(len(models)))

    def _choose(self, row: int) -> None:
        if 0 <= row < len(self.table.rows.rows):
            self.name.setText(self.table.rows.rows[row].name)
            self._resting.start()

    @property
    def _wanted(self) -> _Wanted:
        """The name, the form of weights and that of the cache that the fields hold."""
        forms = str(self.form.currentData()), str(self.cache.currentData())
        return (self.name.text().strip(), *forms)

    def _foresee(self) -> None:
        self._resting.stop()
        asked = self._wanted
        if asked[0]:
            self._tell(tr("looking at it…"), self._appearance.tokens.muted)
            self._fit_reader.ask(
                lambda: self._desk.foresee(*asked),
                partial(self._hold_against_rack, asked),
                partial(self._refuse, asked),
            )

    def _hold_against_rack(self, asked: _Wanted, seen: ForeseenModel) -> None:
        if asked != self._wanted:
            return
        tokens = self._appearance.tokens
        download = download_text(seen.missing_bytes) if seen.missing_bytes else ""
        if not seen.forms:
            words = unforeseen_text(asked[0])
            self._tell(together(words, download) if download else words, tokens.muted)
            return

        def tell(foresights: Sequence[Foresight]) -> None:
            if asked != self._wanted:
                return
            snapshot = self._link.snapshot
            words = foresight_text(snapshot.rack_name if snapshot else "", foresights)
            colour = tokens.good if foresights[0].plan is not None else tokens.bad
            self._tell(together(words, download) if download else words, colour)

        self._link.ask(Foresee(seen.forms), tell, partial(self._refuse, asked))

    def _refuse(self, asked: _Wanted, line: str) -> None:
        if asked == self._wanted:
            self._tell(line, self._appearance.tokens.bad)

    def _tell(self, words: str, colour: str) -> None:
        self.line.setText(words)
        colour_words(self.line, colour)

    def _import(self) -> None:
        if self._wanted[0]:
            self._importing.start(*self._wanted)

    def _arrange(self) -> None:
        above, below = QHBoxLayout(), QHBoxLayout()
        above.addWidget(self.words, 1)
        above.addWidget(self.search)
        labels = spoken_label("Weights as"), spoken_label("Text kept as")
        for label in labels:
            label.setObjectName("muted")
        below.addWidget(self.name, 1)
        of_weights, of_text = labels
        for widget in (of_weights, self.form, of_text, self.cache, self.fit, self.start):
            below.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.addLayout(above)
        layout.addWidget(self.found)
        layout.addWidget(self.table, 1)
        layout.addLayout(below)
        layout.addWidget(self.line)


def _columns() -> tuple[Column[OfferedModel], ...]:
    right = Qt.AlignmentFlag.AlignRight
    return (
        Column(message("Name"), lambda row: row.name),
        Column(message("Task"), lambda row: row.task),
        Column(message("Downloads"), lambda row: f"{row.downloads:,}", right),
        Column(message("Likes"), lambda row: f"{row.likes:,}", right),
        Column(message("Terms"), lambda row: tr("to be accepted first") if row.gated else ""),
    )
