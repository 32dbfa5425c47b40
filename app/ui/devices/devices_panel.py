"""The phones of the rack, and what can be done with one."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QInputDialog, QListView, QMenu, QVBoxLayout, QWidget

from app.core.device import DeviceState
from app.core.identifiers import Serial
from app.faults.catalogue import Fault, FaultKind
from app.ledger.rules.economy import CREDIT
from app.rack.commands import AddStake, ClearFault, Identify, Inject, Release, RestartWorker
from app.rack.snapshot import PhoneSnapshot, RackSnapshot
from app.ui.devices.device_delegate import DeviceDelegate
from app.ui.devices.device_details import DeviceDetails
from app.ui.looks.appearance import Appearance
from app.ui.looks.spoken import spoken, spoken_label
from app.ui.looks.table import ROW_ROLE, Column, RowsModel
from app.ui.rack_link import RackLink
from app.words.catalogue import message, tr
from app.words.device_rows import details, spoken_row, stake_question
from app.words.faults import fault_description, fault_word

_RESTARTABLE = {DeviceState.READY, DeviceState.WORKING, DeviceState.LOST}


class DevicesPanel(QWidget):
    """A list, one row a phone; the right button or the menu key opens its menu."""

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
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 4, 2, 4)
        layout.addWidget(self._empty)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.details)
        self.setMinimumWidth(210)
        link.snapshot_changed.connect(self._show)
        link.aged.connect(self._grow_old)
        appearance.changed.connect(self.model.repaint)

    def menu_for(self, phone: PhoneSnapshot) -> QMenu:
        """Return the menu of one phone."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        identify = menu.addAction(tr("Identify"), lambda: self._identify(phone.serial))
        identify.setStatusTip(tr("Its screen wakes and blinks."))
        restart = menu.addAction(tr("Restart worker"), lambda: self._restart(phone.serial))
        restart.setStatusTip(tr("It gets its layers back; running requests go on."))
        restart.setEnabled(phone.state in _RESTARTABLE)
        faults = menu.addMenu(tr("Inject fault"))
        faults.setToolTipsVisible(True)
        for kind in FaultKind:
            fault = Fault(kind, phone.serial)
            action = faults.addAction(fault_word(kind), partial(self._inject, fault))
            action.setToolTip(fault_description(kind))
        clear = menu.addAction(tr("Clear fault"), lambda: self._clear(phone.serial))
        clear.setEnabled(phone.fault is not None)
        menu.addSeparator()
        release = menu.addAction(tr("Release from jail"), lambda: self._release(phone.serial))
        release.setEnabled(phone.state is DeviceState.JAILED)
        menu.addAction(tr("Add stake…"), lambda: self._ask_stake(phone))
        return menu

    def _show(self, snapshot: RackSnapshot) -> None:
        self._empty.setVisible(not snapshot.phones)
        if self.isVisible() or not self.model.rows:
            self.model.show_rows(snapshot.phones)
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
        phone = self.list.indexAt(point).data(ROW_ROLE)
        if phone is not None:
            self.menu_for(phone).popup(self.list.viewport().mapToGlobal(point))

    def _inject(self, fault: Fault) -> None:
        self._link.submit(Inject(fault))

    def _identify(self, serial: Serial) -> None:
        self._link.submit(Identify(serial))

    def _restart(self, serial: Serial) -> None:
        self._link.submit(RestartWorker(serial))

    def _clear(self, serial: Serial) -> None:
        self._link.submit(ClearFault(serial))

    def _release(self, serial: Serial) -> None:
        self._link.submit(Release(serial))

    def _ask_stake(self, phone: PhoneSnapshot) -> None:
        dialog = QInputDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(tr("Add stake"))
        dialog.setLabelText(stake_question(phone))
        dialog.setInputMode(QInputDialog.InputMode.IntInput)
        dialog.setIntRange(1, 1_000_000)
        dialog.setIntValue(100)
        dialog.intValueSelected.connect(lambda amount: self._stake(phone.serial, amount))
        dialog.open()

    def _stake(self, serial: Serial, amount: int) -> None:
        self._link.submit(AddStake(serial, amount * CREDIT))
