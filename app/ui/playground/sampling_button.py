"""How a text is made: one small button that opens length, sampling, stops and the system text."""

from __future__ import annotations

import random
from dataclasses import replace

from PySide6.QtCore import QRegularExpression
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QWidget,
    QWidgetAction,
)

from app.core.conversation import Overflow
from app.rack.commands import Sampling
from app.ui.looks.inset import form_layout, inset
from app.ui.looks.spoken import said, spoken, spoken_label
from app.ui.playground.preset_box import PresetBox
from app.ui.playground.presets import (
    LEAST_TOP_P,
    MOST_TEMPERATURE,
    MOST_TOKENS,
    OwnPreset,
    SamplingPreset,
    Taste,
)
from app.ui.settings import Settings
from app.words.catalogue import tr
from app.words.requests import seed_text

DEMO_SAMPLING = Sampling(temperature=0.7, top_p=0.9, seed=1)
"""Of the seeds tried at 0.6 and 0.7 the one that says the least twice: 2 runs of four words."""
DEMO_TOKENS = 300
MOST_ALTERNATIVES = 5
SEED_LIMIT = 2**63
"""Seeds are below it; typed ones have 18 digits at most."""
_RANDOM_SEEDS = 1_000_000
_STOP_HEIGHT = 48
_SYSTEM_HEIGHT = 64


class SamplingButton(QPushButton):
    """Says temperature and top-p; its menu changes them and holds what is set seldom."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.tokens = QSpinBox(minimum=1, maximum=MOST_TOKENS, value=DEMO_TOKENS)
        spoken(self.tokens.setToolTip, "The text ends after so many tokens at the latest.")
        self.temperature = QDoubleSpinBox(minimum=0.0, maximum=MOST_TEMPERATURE)
        self.temperature.setSingleStep(0.1)
        self.temperature.setValue(DEMO_SAMPLING.temperature)
        spoken(self.temperature.setToolTip, "0 always takes the likeliest token.")
        self.top_p = QDoubleSpinBox(minimum=LEAST_TOP_P, maximum=1.0, singleStep=0.05)
        self.top_p.setValue(DEMO_SAMPLING.top_p)
        spoken(
            self.top_p.setToolTip,
            "Only the likeliest tokens that together have this probability are drawn from.",
        )
        self.seed = QLineEdit()
        spoken(self.seed.setPlaceholderText, "random")
        spoken(
            self.seed.setToolTip,
            "Empty: a new one for each text. The same seed gives the same text.",
        )
        digits = QRegularExpressionValidator(QRegularExpression(r"\d{0,18}"), self.seed)
        self.seed.setValidator(digits)
        self.stop = QPlainTextEdit()
        spoken(self.stop.setPlaceholderText, "none")
        spoken(
            self.stop.setToolTip,
            "The text ends before any of these, one a line; \\n is a line break.",
        )
        self.stop.setFixedHeight(_STOP_HEIGHT)
        self.alternatives = QSpinBox(minimum=0, maximum=MOST_ALTERNATIVES)
        spoken(self.alternatives.setSpecialValueText, "none")
        spoken(
            self.alternatives.setToolTip,
            "So many of the likeliest tokens are told with each one: see Tokens….",
        )
        self.system = QPlainTextEdit()
        spoken(self.system.setPlaceholderText, "How the model should answer")
        self.system.setFixedHeight(_SYSTEM_HEIGHT)
        self.shorten = QCheckBox()
        self.shorten.setChecked(True)
        spoken(self.shorten.setText, "Leave out the oldest turns")
        spoken(
            self.shorten.setToolTip,
            "Off: a conversation that the context has no room for is refused.",
        )
        self.presets = PresetBox(settings, self._current, self)
        self.presets.chosen.connect(self._take_preset)
        self._rows = form_layout()
        self.setMenu(self._make_menu())
        for box in (self.tokens, self.temperature, self.top_p, self.alternatives):
            inset(box)
        for box in (self.temperature, self.top_p):
            box.valueChanged.connect(lambda _: self._say())
        self.seed.textChanged.connect(lambda _: self._say())
        self.tokens.valueChanged.connect(lambda _: self._say())
        self.stop.textChanged.connect(self._say)
        said(self, "words", SamplingButton._say)

    def sampling(self) -> Sampling:
        """Return what is set, with a random seed where none is typed."""
        typed = self.seed.text()
        seed = int(typed) if typed else random.randrange(_RANDOM_SEEDS)  # noqa: S311 - no secret
        return Sampling(
            self.temperature.value(),
            self.top_p.value(),
            seed,
            stop=stop_texts(self.stop.toPlainText()),
            alternatives=self.alternatives.value(),
        )

    def overflow(self) -> Overflow:
        """Return what becomes of a conversation that is too long."""
        return Overflow.SHORTEN if self.shorten.isChecked() else Overflow.REFUSE

    def show_system(self, *, shown: bool) -> None:
        """Offer the system text and what becomes of old turns, which only a conversation has."""
        self._rows.setRowVisible(self.system, shown)
        self._rows.setRowVisible(self.shorten, shown)

    def _make_menu(self) -> QMenu:
        form = QWidget()
        rows = self._rows
        form.setLayout(rows)
        rows.setContentsMargins(12, 10, 12, 10)
        rows.addRow(spoken_label("System text"), self.system)
        rows.addRow(spoken_label("Context full"), self.shorten)
        rows.addRow(spoken_label("Preset"), self.presets)
        rows.addRow(spoken_label("Tokens"), self.tokens)
        rows.addRow(spoken_label("Temperature"), self.temperature)
        rows.addRow(spoken_label("Top-p"), self.top_p)
        rows.addRow(spoken_label("Seed"), self.seed)
        rows.addRow(spoken_label("Stop before"), self.stop)
        rows.addRow(spoken_label("Likeliest tokens"), self.alternatives)
        self.show_system(shown=False)
        menu = QMenu(self)
        action = QWidgetAction(menu)
        action.setDefaultWidget(form)
        menu.addAction(action)
        return menu

    def _take_preset(self, preset: SamplingPreset | OwnPreset) -> None:
        own = preset if isinstance(preset, OwnPreset) else None
        taste = preset.taste if isinstance(preset, OwnPreset) else preset.value
        self.temperature.setValue(taste.temperature)
        self.top_p.setValue(taste.top_p)
        if own is not None:
            self.tokens.setValue(own.tokens)
            self.stop.setPlainText(own.stop)
        self.presets.follow()

    def _current(self) -> OwnPreset:
        """Return what is set, as a preset without a name."""
        taste = Taste(round(self.temperature.value(), 2), round(self.top_p.value(), 2))
        return OwnPreset("", taste, self.tokens.value(), self.stop.toPlainText())

    def _say(self) -> None:
        self.presets.follow()
        parts = [f"T {self.temperature.value():.2g}", f"p {self.top_p.value():.2g}"]
        if self.seed.text():
            parts.append(seed_text(self.seed.text()))
        self.setText("  ".join(parts))
        self.setToolTip(tr("Length, temperature, top-p, seed and more"))


def stop_texts(lines: str) -> tuple[str, ...]:
    r"""Return the stop texts typed one a line, `\n` standing for a line break; empty ones drop."""
    return tuple(line.replace("\\n", "\n") for line in lines.splitlines() if line)


def with_next_seed(sampling: Sampling) -> Sampling:
    """Return the same sampling with the seed after."""
    return replace(sampling, seed=(sampling.seed + 1) % SEED_LIMIT)
