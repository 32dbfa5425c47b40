"""The phones of the rack, and what can be done with one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QLabel, QLineEdit, QListView, QMenu, QVBoxLayout, QWidget

from app.rack.snapshot import PhoneSnapshot, RackSnapshot
from app.ui.devices.device_delegate import DeviceDelegate
from app.ui.devices.device_details import DeviceDetails
from app.ui.devices.phone_menu import PhoneMenu
from app.ui.looks.appearance import Appearance
from app.ui.looks.spoken import spoken, spoken_label
from app.ui.looks.table import ROW_ROLE, Column, RowsModel
from app.ui.rack_link import RackLink
from app.words.catalogue import message
from app.words.phones.filter import PhoneFilter, counts_text, filter_hint, parse_filter
from app.words.phones.rows import details, spoken_row


class DevicesPanel(QWidget):
    """A list, one row a phone, filtered by what is typed above it.

    The right button or the menu key opens the menu of the phones that are selected.
    """

    def __init__(self, link: RackLink, appearance: Appearance) -> None:
        super().__init__()
        self._link = link
        column = Column[PhoneSnapshot](message("Phone"), spoken_row, tooltip=details)
        self.model = RowsModel[PhoneSnapshot]([column], lambda phone: phone.serial, self)
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setItemDelegate(DeviceDelegate(appearance, lambda: link.now_s, self.list))
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setUniformItemSizes(True)
        self.list.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._open_menu)
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
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 4, 2, 4)
        layout.addLayout(self._filter_line)
        layout.addWidget(self.problem)
        layout.addWidget(self._empty)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.details)
        self.setMinimumWidth(210)
        link.snapshot_changed.connect(self._show)
        link.aged.connect(self._grow_old)
        appearance.changed.connect(self.model.repaint)

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
        self._filter_line.addWidget(self.counts)

    def menu_for(self, phones: Sequence[PhoneSnapshot]) -> QMenu:
        """Return the menu of the phones that are selected."""
        return PhoneMenu(phones, self._link, self)

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
        wanted = [phone for phone in phones if self._wanted(phone)]
        self.model.show_rows(wanted)
        told = partial(counts_text, phones, len(wanted), snapshot.expected_phones)
        spoken(self.counts.setText, told if phones or snapshot.expected_phones else str)

    def _filter_anew(self, text: str) -> None:
        self._wanted = parse_filter(text)
        self.problem.setText(self._wanted.problem)
        self.problem.setVisible(bool(self._wanted.problem))
        if self._link.snapshot is not None:
            self._show_phones(self._link.snapshot)
            self._show_details()

    def _grow_old(self) -> None:
        if self.isVisible():
            self.model.repaint()
            self._show_details()

    def _show_details(self) -> None:
        phone = self.list.currentIndex().data(ROW_ROLE)
        self.details.setVisible(phone is not None)
        if phone is not None:
            snapshot = self._link.snapshot
            links = snapshot.links if snapshot else ()
            self.details.show_phone(phone, self._link.now_s, links)

    def _open_menu(self, point: QPoint) -> None:
        if self.list.indexAt(point).isValid() and (phones := self.selected()):
            self.menu_for(phones).popup(self.list.viewport().mapToGlobal(point))
