"""Models: those that are here, and those at the hub, with the import under way below."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QTabWidget, QVBoxLayout, QWidget

from app.ui.looks.appearance import Appearance
from app.ui.looks.spoken import said, spoken
from app.ui.models.desk import ModelDesk
from app.ui.models.hub_page import HubPage
from app.ui.models.import_strip import ImportStrip
from app.ui.models.importing import Importing
from app.ui.models.library_page import LibraryPage
from app.ui.rack_link import RackLink
from app.words.catalogue import tr


class ModelsDialog(QDialog):
    """Stays beside the window; closing it stops no import."""

    def __init__(
        self,
        link: RackLink,
        desk: ModelDesk,
        importing: Importing,
        appearance: Appearance,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        spoken(self.setWindowTitle, "Models")
        self.library = LibraryPage(link, desk, appearance)
        self.hub = HubPage(link, desk, importing, appearance)
        self.strip = ImportStrip(importing, appearance)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.library, "")
        self.tabs.addTab(self.hub, "")
        spoken(self.tabs.tabBar().setAccessibleName, "Pages of models")
        said(self.tabs, "titles", _name_tabs)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 14)
        layout.addWidget(self.tabs, 1)
        layout.addWidget(self.strip)
        importing.imported.connect(self._imported)
        self.resize(760, 520)

    def done(self, result: int) -> None:
        """Close, and wait for no answer of the hub."""
        self.library.close_reader()
        self.hub.close_readers()
        super().done(result)

    def _imported(self, _name: str) -> None:
        self.library.refresh()


def _name_tabs(tabs: QTabWidget) -> None:
    for index, title in enumerate((tr("Here"), tr("From the hub"))):
        tabs.setTabText(index, title)
