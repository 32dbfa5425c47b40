"""How the next token is chosen: one small button that opens temperature, top-p and seed."""

from __future__ import annotations

import random
from dataclasses import replace

from PySide6.QtCore import QRegularExpression
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QFormLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QWidget,
    QWidgetAction,
)

from app.rack.control import Sampling

DEMO_SAMPLING = Sampling(temperature=0.6, top_p=0.9, seed=0)
SEED_LIMIT = 2**63
"""Seeds are below it; typed ones have 18 digits at most."""
_RANDOM_SEEDS = 1_000_000


class SamplingButton(QPushButton):
    """Says temperature and top-p; its menu changes them and takes a seed."""

    def __init__(self) -> None:
        super().__init__()
        self.temperature = QDoubleSpinBox(minimum=0.0, maximum=2.0, singleStep=0.1)
        self.temperature.setValue(DEMO_SAMPLING.temperature)
        self.temperature.setToolTip(self.tr("0 always takes the likeliest token."))
        self.top_p = QDoubleSpinBox(minimum=0.05, maximum=1.0, singleStep=0.05)
        self.top_p.setValue(DEMO_SAMPLING.top_p)
        self.top_p.setToolTip(
            self.tr("Only the likeliest tokens that together have this probability are drawn from.")
        )
        self.seed = QLineEdit()
        self.seed.setPlaceholderText(self.tr("random"))
        self.seed.setToolTip(
            self.tr("Empty: a new one for each text. The same seed gives the same text.")
        )
        digits = QRegularExpressionValidator(QRegularExpression(r"\d{0,18}"), self.seed)
        self.seed.setValidator(digits)
        self.setMenu(self._make_menu())
        for box in (self.temperature, self.top_p):
            box.lineEdit().setTextMargins(5, 0, 0, 0)
            box.valueChanged.connect(lambda _: self._say())
        self.seed.textChanged.connect(lambda _: self._say())
        self._say()

    def sampling(self) -> Sampling:
        """Return what is set, with a random seed where none is typed."""
        typed = self.seed.text()
        seed = int(typed) if typed else random.randrange(_RANDOM_SEEDS)  # noqa: S311 - no secret
        return Sampling(self.temperature.value(), self.top_p.value(), seed)

    def _make_menu(self) -> QMenu:
        form = QWidget()
        rows = QFormLayout(form)
        rows.setContentsMargins(12, 10, 12, 10)
        rows.addRow(self.tr("Temperature"), self.temperature)
        rows.addRow(self.tr("Top-p"), self.top_p)
        rows.addRow(self.tr("Seed"), self.seed)
        menu = QMenu(self)
        action = QWidgetAction(menu)
        action.setDefaultWidget(form)
        menu.addAction(action)
        return menu

    def _say(self) -> None:
        parts = [f"T {self.temperature.value():.2g}", f"p {self.top_p.value():.2g}"]
        if self.seed.text():
            parts.append(self.tr("seed {seed}").format(seed=self.seed.text()))
        self.setText("  ".join(parts))
        self.setToolTip(self.tr("Advanced: temperature, top-p and seed"))


def with_next_seed(sampling: Sampling) -> Sampling:
    """Return the same sampling with the seed after."""
    return replace(sampling, seed=(sampling.seed + 1) % SEED_LIMIT)
