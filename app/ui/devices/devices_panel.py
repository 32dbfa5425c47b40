"""The phones of the rack, and what can be done with one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QLineEdit,
    QListView,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.core.identifiers import Serial
from app.rack.snapshot import PhoneSnapshot, RackSnapshot
from app.ui.devices.device_details import DeviceDetails
from app.ui.devices.device_views import DeviceView, DeviceViews, view_sign, view_word
from app.ui.devices.phone_menu import PhoneMenu
from app.ui.devices.phone_page import PhonePage
from app.ui.devices.tags import Tags
from app.ui.looks.appearance import Appearance
from app.ui.looks.spoken import narrow, spoken, spoken_items, spoken_label
from app.ui.looks.table import ROW_ROLE, Column, RowsModel
from app.ui.rack_link import RackLink
from app.ui.settings import Settings
from app.words.catalogue import message, tr
from app.words.phones.arranging import SortBy, group_text, groups_of, in_order, sort_word
from app.words.phones.filter import PhoneFilter, counts_text, filter_hint, parse_filter
from app.words.phones.rows import details, spoken_row


class DevicesPanel(QWidget):
    """A list, one row a phone, filtered by what is typed above it.

    The right button or the menu key opens the menu of the phones that are selected.
    """

    def __init__(self, link: RackLink, appearance: Appearance, settings: Settings) -> None:
        super().__init__()
        self._link, self._appearance, self._settings = link, appearance, settings
        self.tags = Tags(settings)
        column = Column[PhoneSnapshot](message("Phone"), self._spoken, tooltip=details)
        self.model = RowsModel[PhoneSnapshot]([column], lambda phone: phone.serial, self)
        self.list = QListView()
        self.list.setModel(self.model)
        self.views = DeviceViews(self.list, link, appearance, self.tags)
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setUniformItemSizes(True)
        self.list.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._open_menu)
        self.list.activated.connect(lambda index: self.open_page(index.data(ROW_ROLE)))
        spoken(self.list.setAccessibleName, "Devices")
        self.details = DeviceDetails(appearance)
        self.details.hide()
        self.details.closed.connect(self.list.selectionModel().clear)
        self.list.selectionModel().currentChanged.connect(lambda _: self._show_details())
        self._empty = spoken_label("Looking for phones…")
        self._empty.setObjectName("muted")
        self._empty.setWordWrap(True)
        self._empty.setContentsMargins(12, 12, 12, 12)
        self._add_filter()
        self._add_arranging()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 4, 2, 4)
        layout.addLayout(self._filter_line)
        layout.addLayout(self._arranging)
        layout.addWidget(self.problem)
        layout.addWidget(self._empty)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.details)
        self.setMinimumWidth(238)
        link.snapshot_changed.connect(self._show)
        link.aged.connect(self._grow_old)
        appearance.changed.connect(self.model.repaint)

    def _spoken(self, phone: PhoneSnapshot) -> str:
        return spoken_row(phone, stands_by=self.views.news.stands_by(phone))

    def _add_filter(self) -> None:
        self._wanted = PhoneFilter()
        self.filter, self.counts, self.problem = QLineEdit(), QLabel(), QLabel()
        self.filter.setClearButtonEnabled(True)
        spoken(self.filter.setPlaceholderText, "Filter ( / )")
        spoken(self.filter.setAccessibleName, "Filter of the devices")
        spoken(self.filter.setToolTip, filter_hint)
        self.filter.textChanged.connect(self._filter_anew)
        self.counts.setObjectName("muted")
        self.problem.setObjectName("muted")
        self.problem.setWordWrap(True)
        self.problem.hide()
        leave = QShortcut(QKeySequence(Qt.Key.Key_Escape), self.filter)
        leave.setContext(Qt.ShortcutContext.WidgetShortcut)
        leave.activated.connect(self.filter.clear)
        self._filter_line = QVBoxLayout()
        self._filter_line.setContentsMargins(8, 2, 8, 2)
        self._filter_line.addWidget(self.filter)
        self._counts_line = QHBoxLayout()
        self._counts_line.addWidget(self.counts, 1)
        self._filter_line.addLayout(self._counts_line)

    def _add_arranging(self) -> None:
        """Offer the ways to show phones, their order, and the groups there are."""
        self._arranging = QHBoxLayout()
        self._arranging.setContentsMargins(8, 0, 8, 2)
        self._arranging.setSpacing(4)
        self.ways = QButtonGroup(self)
        for place, view in enumerate(DeviceView):
            button = QToolButton()
            button.setText(view_sign(view))
            button.setCheckable(True)
            button.setObjectName("way")
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            spoken(button.setToolTip, view_word(view))
            spoken(button.setAccessibleName, view_word(view))
            self.ways.addButton(button, place)
            self._arranging.addWidget(button)
        self.sort = QComboBox()
        for by in SortBy:
            self.sort.addItem("", by)
        spoken_items(self.sort, lambda by: sort_word(SortBy(by)))
        spoken(self.sort.setAccessibleName, "Order of the devices")
        narrow(self.sort, 56)
        self.groups = QToolButton()
        self.groups.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.groups.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        spoken(self.groups.setText, "Groups")
        self.groups.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self.groups.setMenu(QMenu(self))
        self.groups.menu().aboutToShow.connect(self._fill_groups)
        self._arranging.addWidget(self.sort, 1)
        self._counts_line.addWidget(self.groups)
        names = [by.name for by in SortBy]
        chosen = SortBy[self._settings.chosen("sort", names, SortBy.PLACE.name)]
        self.sort.setCurrentIndex(self.sort.findData(chosen))
        self.sort.currentIndexChanged.connect(lambda _: self._sort_anew())
        self.ways.idClicked.connect(lambda place: self.show_as(list(DeviceView)[place]))
        last = self._settings.chosen("devices", list(DeviceView), DeviceView.ROWS)
        self.show_as(DeviceView(last))

    def show_as(self, view: DeviceView) -> None:
        """Show the phones as rows, cards or a heat map."""
        self._settings.choose("devices", view)
        self.ways.button(list(DeviceView).index(view)).setChecked(True)
        self.views.choose(view)
        self.views.take_samples()
        if self._link.snapshot is not None:
            self._show_phones(self._link.snapshot)

    @property
    def order(self) -> SortBy:
        """What the phones are put in order by."""
        return SortBy(self.sort.currentData())

    def open_page(self, phone: PhoneSnapshot) -> PhonePage:
        """Open everything of one phone."""
        page = PhonePage(phone.serial, self._link, self._appearance, self.window())
        page.show()
        return page

    def open_current(self) -> None:
        """Open everything of the phone that is selected."""
        phone = self.list.currentIndex().data(ROW_ROLE)
        if phone is not None:
            self.open_page(phone)

    def open_menu(self) -> None:
        """Open the menu of the phones that are selected."""
        self._open_menu(self.list.visualRect(self.list.currentIndex()).center())

    def _sort_anew(self) -> None:
        self._settings.choose("sort", self.order.name)
        if self._link.snapshot is not None:
            self._show_phones(self._link.snapshot)

    def _fill_groups(self) -> None:
        """Offer each group there is now; one that is chosen is what the filter leaves."""
        menu, snapshot = self.groups.menu(), self._link.snapshot
        menu.clear()
        menu.addAction(tr("All devices"), self.filter.clear)
        for title, groups in groups_of(snapshot.phones if snapshot else (), self.tags.of):
            if groups:
                menu.addSection(title)
            for group in groups:
                menu.addAction(group_text(group), partial(self.filter.setText, group.term))

    def menu_for(self, phones: Sequence[PhoneSnapshot]) -> QMenu:
        """Return the menu of the phones that are selected."""
        menu = PhoneMenu(phones, self._link, self)
        menu.add_own(self.open_page, self._ask_tags)
        return menu

    def selected(self) -> list[PhoneSnapshot]:
        """Return the phones that are selected, in the order in which they are shown."""
        indexes = sorted(self.list.selectionModel().selectedIndexes())
        return [index.data(ROW_ROLE) for index in indexes]

    def focus_filter(self) -> None:
        """Let what is typed next filter the phones."""
        self.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.filter.selectAll()

    def _show(self, snapshot: RackSnapshot) -> None:
        self._empty.setVisible(not snapshot.phones)
        if self.isVisible() or not self.model.rows:
            self._show_phones(snapshot)
            self._show_details()

    def _show_phones(self, snapshot: RackSnapshot) -> None:
        phones = snapshot.phones
        wanted = in_order(filter(self._wanted, phones), self.order)
        self.views.take(snapshot, self.order)
        self.model.show_rows(wanted)
        told = partial(counts_text, phones, len(wanted), snapshot.expected_phones)
        spoken(self.counts.setText, told if phones or snapshot.expected_phones else str)

    def _filter_anew(self, text: str) -> None:
        self._wanted = parse_filter(text, self.tags.of)
        self.problem.setText(self._wanted.problem)
        self.problem.setVisible(bool(self._wanted.problem))
        if self._link.snapshot is not None:
            self._show_phones(self._link.snapshot)
            self._show_details()

    def _grow_old(self) -> None:
        if self.isVisible():
            self.views.take_samples()
            self.model.repaint()
            self._show_details()

    def _show_details(self) -> None:
        phone = self.list.currentIndex().data(ROW_ROLE)
        self.details.setVisible(phone is not None)
        if phone is not None:
            snapshot = self._link.snapshot
            links = snapshot.links if snapshot else ()
            self.details.show_phone(phone, self._link.now_s, links)

    def _ask_tags(self, phones: Sequence[PhoneSnapshot]) -> None:
        serials = [phone.serial for phone in phones]
        dialog = QInputDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(tr("Tags"))
        dialog.setLabelText(tr("Tags with spaces between them; the filter finds tag:NAME."))
        dialog.setTextValue(self.tags.common(serials))
        dialog.textValueSelected.connect(lambda words: self._tag(serials, words))
        dialog.open()

    def _tag(self, serials: Sequence[Serial], words: str) -> None:
        self.tags.replace(serials, words)
        self._filter_anew(self.filter.text())

    def _open_menu(self, point: QPoint) -> None:
        if self.list.indexAt(point).isValid() and (phones := self.selected()):
            self.menu_for(phones).popup(self.list.viewport().mapToGlobal(point))
