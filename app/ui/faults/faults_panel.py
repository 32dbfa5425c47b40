"""Where a tester makes a phone misbehave on purpose."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.core.identifiers import Serial
from app.faults.catalogue import Fault, FaultKind
from app.faults.specifications import PHONE_KINDS, SPECIFICATIONS, BroughtBy
from app.rack.commands import ClearFault, Inject
from app.rack.snapshot import PhoneSnapshot, RackSnapshot
from app.ui.looks.appearance import Appearance
from app.ui.looks.inset import form_layout, inset
from app.ui.looks.spoken import said, spoken, spoken_items, spoken_label
from app.ui.looks.table import Column, RowsModel, Table
from app.ui.looks.tokens import phone_colour
from app.ui.rack_link import RackLink
from app.words.catalogue import message
from app.words.faults import fault_description, fault_word, injected_fault
from app.words.states import phone_name


class FaultsPanel(QWidget):
    """Choose a phone, what it does wrong and from which token; beside it, what is set now."""

    def __init__(self, link: RackLink, appearance: Appearance) -> None:
        super().__init__()
        self._link = link
        self._appearance = appearance
        self._choices: tuple[tuple[str, Serial], ...] = ()
        self.phone = QComboBox()
        self.kind = QComboBox()
        for kind in PHONE_KINDS:
            self.kind.addItem("", kind)
        spoken_items(self.kind, lambda kind: fault_word(FaultKind(kind)))
        self.token = QSpinBox(minimum=1, maximum=100_000, value=1)
        inset(self.token)
        for box, name in (
            (self.phone, message("Phone")),
            (self.kind, message("Fault")),
            (self.token, message("From token")),
        ):
            spoken(box.setAccessibleName, name)
        self.description = QLabel()
        self.description.setWordWrap(True)
        self.description.setObjectName("muted")
        self.inject = QPushButton()
        spoken(self.inject.setText, "Inject")
        self.inject.setObjectName("primary")
        self.clear = QPushButton()
        spoken(self.clear.setText, "Clear")
        self.active = Table(RowsModel[PhoneSnapshot](self._columns(), lambda row: row.serial))
        self.active.stretch_first_column()
        spoken(self.active.setAccessibleName, "Faults now set")
        self._arrange()
        self.kind.currentIndexChanged.connect(lambda _: self._describe())
        self.inject.clicked.connect(self._inject)
        self.clear.clicked.connect(self._clear)
        link.snapshot_changed.connect(self._show)
        appearance.changed.connect(self.active.rows.repaint)
        said(self, "description", FaultsPanel._describe)
        self._enable()

    def _arrange(self) -> None:
        form = form_layout()
        form.addRow(spoken_label("Phone"), self.phone)
        form.addRow(spoken_label("Fault"), self.kind)
        buttons = QHBoxLayout()
        buttons.addWidget(self.token, 1)
        buttons.addWidget(self.inject)
        buttons.addWidget(self.clear)
        form.addRow(spoken_label("From token"), buttons)
        left = QVBoxLayout()
        left.addLayout(form)
        left.addStretch(1)
        right = QVBoxLayout()
        right.addWidget(self.description)
        right.addWidget(self.active, 1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(16)
        layout.addLayout(left, 1)
        layout.addLayout(right, 1)

    def _columns(self) -> list[Column[PhoneSnapshot]]:
        return [
            Column(
                message("Set now"),
                phone_name,
                colour=lambda row: phone_colour(self._appearance.tokens, row.position),
            ),
            Column(
                message("Fault"),
                lambda row: injected_fault(row.fault) if row.fault else "",
                colour=lambda _: self._appearance.tokens.warn,
            ),
        ]

    def _describe(self) -> None:
        kind = FaultKind(self.kind.currentData())
        self.description.setText(fault_description(kind))
        self.token.setEnabled(SPECIFICATIONS[kind].by is BroughtBy.WORKER)

    def _enable(self) -> None:
        self.inject.setEnabled(bool(self._choices))
        self.clear.setEnabled(bool(self._choices))

    def _show(self, snapshot: RackSnapshot) -> None:
        choices = tuple(
            (f"{phone.position}  {phone_name(phone)}", phone.serial) for phone in snapshot.phones
        )
        if choices != self._choices:
            self._choices = choices
            chosen = self.phone.currentData()
            self.phone.clear()
            for words, serial in choices:
                self.phone.addItem(words, serial)
            self.phone.setCurrentIndex(max(self.phone.findData(chosen), 0))
            self._enable()
        self.active.rows.show_rows([phone for phone in snapshot.phones if phone.fault])

    def _inject(self) -> None:
        kind = FaultKind(self.kind.currentData())  # Qt gives back the bare string
        fault = Fault(kind, self.phone.currentData())
        if fault.by_worker:
            fault = replace(fault, token=self.token.value())
        self._link.submit(Inject(fault))

    def _clear(self) -> None:
        serial = self.phone.currentData()
        self._link.submit(ClearFault(serial))
