"""The window that connects phones: its ways on the left, one page a way."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.ui.connect.address_page import AddressPage
from app.ui.connect.cable_page import CablePage
from app.ui.connect.code_page import CodePage
from app.ui.connect.page import Page
from app.ui.connect.places_page import PlacesPage
from app.ui.connect.qr_page import QrPage
from app.ui.connect.remembered import RememberedPlaces
from app.ui.looks.appearance import Appearance
from app.ui.looks.spoken import said, spoken
from app.ui.rack_link import RackLink
from app.words.catalogue import Message, message, tr

_WAYS_WIDTH = 168
_WAY_HEIGHT = 36


class ConnectDialog(QDialog):
    """Stays beside the window, which goes on; closing it ends what waits for a phone."""

    def __init__(
        self,
        link: RackLink,
        appearance: Appearance,
        places: RememberedPlaces,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        spoken(self.setWindowTitle, "Connect a phone")
        self.qr = QrPage(link, appearance)
        self.code = CodePage(link, appearance)
        self.cable = CablePage(link, appearance, places)
        self.address = AddressPage(link, appearance, places)
        self.places = PlacesPage(places)
        self.ways = QListWidget()
        self.pages = QStackedWidget()
        self._shown: Page | None = None
        self._arrange()
        self.ways.currentRowChanged.connect(self._show_page)
        self.finished.connect(self._end)
        link.opened.connect(self._begin_again)
        self.ways.setCurrentRow(0)

    def _show_page(self, row: int) -> None:
        self._end()
        self.pages.setCurrentIndex(row)
        page = self.pages.currentWidget()
        if isinstance(page, Page):
            self._shown = page
            page.begin()

    def _begin_again(self) -> None:
        if self._shown is not None:
            self._shown.begin()

    def _end(self) -> None:
        if self._shown is not None:
            self._shown.end()
            self._shown = None

    def _arrange(self) -> None:
        pages = (
            (message("QR code"), self.qr),
            (message("Pairing code"), self.code),
            (message("USB cable"), self.cable),
            (message("Network address"), self.address),
            (message("Added before"), self.places),
        )
        for _, page in pages:
            way = QListWidgetItem(self.ways)
            way.setSizeHint(QSize(0, _WAY_HEIGHT))
            self.pages.addWidget(page)
        titles = tuple(words for words, _ in pages)
        said(self.ways, "items", lambda ways: _name_ways(ways, titles))
        self.ways.setObjectName("ways")
        self.ways.setFixedWidth(_WAYS_WIDTH)
        spoken(self.ways.setAccessibleName, "Ways to connect")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.ways)
        middle.addWidget(self.pages, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 20, 14)
        layout.setSpacing(12)
        layout.addLayout(middle, 1)
        layout.addWidget(buttons)
        self.resize(800, 470)


def _name_ways(ways: QListWidget, titles: Sequence[Message]) -> None:
    for row, title in enumerate(titles):
        ways.item(row).setText(tr(title))
