"""What is asked of every plan: phones that stay out, who may see texts, a least reputation."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QHeaderView,
    QLabel,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.core.identifiers import Serial
from app.placement.conditions import MOST_CELSIUS, Conditions
from app.rack.commands import Replan
from app.rack.snapshot import RackSnapshot
from app.ui.layer_map.editor import AssignmentEditor
from app.ui.looks.appearance import Appearance, colour_words
from app.ui.looks.inset import form_layout, inset
from app.ui.looks.spoken import said, spoken, spoken_label
from app.ui.rack_link import RackLink
from app.words.catalogue import tr
from app.words.pages.palette import of_phone
from app.words.states import phone_name

_NAME, _EXCLUDED, _TRUSTED = range(3)
_MOST_MS, _MOST_RATE = 600_000.0, 100_000.0


class ConditionsDialog(QDialog):
    """Plans with what is ticked; what cannot be had is told, and changes nothing."""

    def __init__(
        self, link: RackLink, editor: AssignmentEditor, appearance: Appearance, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        spoken(self.setWindowTitle, "Conditions of every plan")
        self._link, self._editor, self._appearance = link, editor, appearance
        snapshot = link.snapshot
        known = snapshot.conditions if snapshot else Conditions()
        phones = snapshot.phones if snapshot else ()
        self._absent = _without(known, {phone.serial for phone in phones})
        self.phones = _phone_table(snapshot, known)
        said(self.phones, "titles", _name_columns)
        self.private, self.least, self.line = QCheckBox(), QDoubleSpinBox(), QLabel()
        inset(self.least)
        self.private.setChecked(known.private)
        spoken(self.private.setText, "Private: first and last layers on trusted phones only")
        spoken(self.private.setToolTip, "Beside these layers prompt and answer can be read.")
        self.least.setRange(0.0, 1.0)
        self.least.setSingleStep(0.05)
        self.least.setValue(known.least_reputation)
        spoken(self.least.setAccessibleName, "Least reputation")
        spoken(self.least.setSpecialValueText, "any")
        self.battery, self.heat = _battery_field(known), _heat_field(known)
        self.token_ms, self.rate = _token_field(known), _rate_field(known)
        self.line.setWordWrap(True)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.plan = self.buttons.addButton("", QDialogButtonBox.ButtonRole.AcceptRole)
        self.plan.setObjectName("primary")
        spoken(self.plan.setText, "Re-plan")
        self.buttons.accepted.connect(self._ask)
        self.buttons.rejected.connect(self.reject)
        form = form_layout()
        form.addRow(spoken_label("Least reputation"), self.least)
        form.addRow(spoken_label("Least battery, where it drains"), self.battery)
        form.addRow(spoken_label("Warmest"), self.heat)
        form.addRow(spoken_label("By price: a token within"), self.token_ms)
        form.addRow(spoken_label("By price: at least"), self.rate)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(10)
        layout.addWidget(self.phones, 1)
        layout.addWidget(self.private)
        layout.addLayout(form)
        layout.addWidget(self.line)
        layout.addWidget(self.buttons)
        self.line.hide()
        self.resize(560, 460)

    def conditions(self) -> Conditions:
        """Return what is set; what was asked of phones that have no row stays."""
        return Conditions(
            self._ticked(_EXCLUDED) | self._absent.excluded,
            self._ticked(_TRUSTED) | self._absent.trusted,
            self.private.isChecked(),
            round(self.least.value(), 2),
            self.battery.value(),
            None if self.heat.value() == self.heat.minimum() else float(self.heat.value()),
            self.token_ms.value() / 1000 or None,
            self.rate.value(),
        )

    def _ticked(self, column: int) -> frozenset[str]:
        rows = range(self.phones.rowCount())
        items = ((self.phones.item(row, _NAME), self.phones.item(row, column)) for row in rows)
        return frozenset(
            str(name.data(Qt.ItemDataRole.UserRole))
            for name, box in items
            if name is not None and box is not None and box.checkState() is Qt.CheckState.Checked
        )

    def _ask(self) -> None:
        snapshot = self._link.snapshot
        if snapshot is None:
            return
        self.plan.setEnabled(False)
        command = Replan(snapshot.objective, self._editor.pins, self.conditions())
        self._link.ask(command, lambda _: self._planned(), self._refuse)

    def _planned(self) -> None:
        self._link.refresh()
        self.accept()

    def _refuse(self, line: str) -> None:
        self.plan.setEnabled(True)
        self.line.setText(line)
        self.line.setVisible(bool(line))
        colour_words(self.line, self._appearance.tokens.bad)


def _without(known: Conditions, serials: AbstractSet[Serial]) -> Conditions:
    return replace(known, excluded=known.excluded - serials, trusted=known.trusted - serials)


def _battery_field(known: Conditions) -> QSpinBox:
    field = QSpinBox()
    inset(field)
    field.setRange(0, 100)
    field.setSuffix(" %")
    field.setValue(known.least_battery_percent)
    spoken(field.setAccessibleName, "Least battery, where it drains")
    spoken(field.setSpecialValueText, "any")
    return field


def _heat_field(known: Conditions) -> QSpinBox:
    """Return the field for whole degrees; its lowest value, below all that count, is any."""
    least, most = (int(celsius) for celsius in MOST_CELSIUS)
    field = QSpinBox()
    inset(field)
    field.setRange(least - 1, most)
    field.setSuffix(" °C")
    field.setValue(least - 1 if known.most_celsius is None else round(known.most_celsius))
    spoken(field.setAccessibleName, "Warmest")
    spoken(field.setSpecialValueText, "any")
    return field


def _token_field(known: Conditions) -> QDoubleSpinBox:
    field = _speed_field(_MOST_MS, " ms", (known.most_token_s or 0.0) * 1000)
    spoken(field.setAccessibleName, "By price: a token within")
    return field


def _rate_field(known: Conditions) -> QDoubleSpinBox:
    field = _speed_field(_MOST_RATE, " tok/s", known.least_tokens_per_second)
    spoken(field.setAccessibleName, "By price: at least")
    return field


def _speed_field(most: float, unit: str, value: float) -> QDoubleSpinBox:
    """Return a field for how quick a ring that is bought has to be; 0 is any."""
    field = QDoubleSpinBox()
    inset(field)
    field.setRange(0.0, most)
    field.setDecimals(1)
    field.setSuffix(unit)
    field.setValue(value)
    spoken(field.setSpecialValueText, "any")
    spoken(
        field.setToolTip,
        "Counts where the objective is the price: the cheapest phones are taken that are so quick.",
    )
    return field


def _phone_table(snapshot: RackSnapshot | None, known: Conditions) -> QTableWidget:
    phones = snapshot.phones if snapshot else ()
    table = QTableWidget(len(phones), 3)
    for row, phone in enumerate(phones):
        name = QTableWidgetItem(phone_name(phone))
        name.setData(Qt.ItemDataRole.UserRole, str(phone.serial))
        name.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
        table.setItem(row, _NAME, name)
        table.setItem(row, _EXCLUDED, _box(ticked=phone.serial in known.excluded))
        table.setItem(row, _TRUSTED, _box(ticked=phone.serial in known.trusted))
    table.verticalHeader().hide()
    table.setShowGrid(False)
    table.setTabKeyNavigation(False)
    header = table.horizontalHeader()
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(_NAME, QHeaderView.ResizeMode.Stretch)
    spoken(table.setAccessibleName, "Phones and what may be asked of each")
    return table


def _name_columns(table: QTableWidget) -> None:
    titles = [tr("Phone"), tr("Holds no layers"), tr("Trusted")]
    table.setHorizontalHeaderLabels(titles)
    for row in range(table.rowCount()):
        name = table.item(row, _NAME)
        for column in (_EXCLUDED, _TRUSTED):
            box = table.item(row, column)
            if name is not None and box is not None:
                words = of_phone(name.text(), titles[column])
                box.setData(Qt.ItemDataRole.AccessibleTextRole, words)


def _box(*, ticked: bool) -> QTableWidgetItem:
    item = QTableWidgetItem()
    item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
    item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
    return item
