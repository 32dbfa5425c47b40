"""The line at the top: which rack, which model, what it is doing and how fast."""

from __future__ import annotations

from html import escape

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton

from app.core.units import format_rate
from app.rack.snapshot import ModelChoice, Phase, RackSnapshot
from app.ui.looks.appearance import Appearance, colour_words, tabular
from app.ui.looks.elided import ElidedLabel
from app.ui.looks.marks import phase_colour
from app.ui.looks.spoken import spoken
from app.ui.rack_link import RackLink
from app.words.ages import RECENT_S, STALE_AFTER_S
from app.words.catalogue import tr
from app.words.sentences import fact_text
from app.words.states import phase_text, phase_word
from app.words.window import (
    model_text,
    no_token_text,
    rack_text,
    silent_text,
    with_harm,
)

_LEAST_MODEL = 40
"""Pixels: what the rack does and how fast goes before the model's name."""


class HeaderBar(QFrame):
    """Always visible; says so when the rack has gone silent."""

    def __init__(self, link: RackLink, appearance: Appearance) -> None:
        super().__init__()
        self.setObjectName("header")
        self._link = link
        self._appearance = appearance
        self._brand = QLabel("Shardloom")
        self._brand.setObjectName("brand")
        self._brand.setFont(tabular(self.font(), scale=1.15, bold=True))
        self.rack = ElidedLabel()
        self.model = QLabel()
        self.model.setMinimumWidth(_LEAST_MODEL)
        self.address = QLabel()
        self.address.setObjectName("muted")
        self.address.hide()
        self.phase = QLabel()
        self.rate = QLabel()
        self.palette_button = QPushButton("Ctrl+K")
        spoken(self.palette_button.setToolTip, "Find a command")
        self._line = layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 6, 14, 6)
        layout.setSpacing(22)
        for label in (self._brand, self.rack, self.model):
            layout.addWidget(label)
        layout.addStretch(1)
        layout.addWidget(self.address)
        layout.addWidget(self.phase)
        layout.addWidget(self.rate)
        layout.addWidget(self.palette_button)
        link.ticked.connect(self._refresh)
        appearance.changed.connect(self._refresh)
        self.enlarge(1.0)
        self._refresh()

    def enlarge(self, scale: float) -> None:
        """Show what it is doing and how fast larger, for a stage."""
        self.phase.setFont(tabular(self.font(), scale=scale, bold=True))
        self.rate.setFont(tabular(self.font(), scale=1.1 * scale, bold=True))

    def add_badge(self, badge: QLabel) -> None:
        """Give a mark its place beside what the rack is doing."""
        self._line.insertWidget(self._line.indexOf(self.address), badge)

    def show_address(self, address: str) -> None:
        """Show where the rack is served; nothing where it is not."""
        self.address.setText(address)
        self.address.setVisible(bool(address))

    def _refresh(self) -> None:
        snapshot = self._link.snapshot
        if snapshot is None:
            self.rack.setText(tr("rack: opening…"))
            self._show_phase(phase_word(Phase.STARTING), Phase.STARTING)
            return
        self._show_rack(snapshot)
        self._show_rate(snapshot)
        silence_s = self._link.silence_s
        if silence_s > STALE_AFTER_S and snapshot.phase is not Phase.STOPPED:
            self._show_phase(silent_text(snapshot.phase, silence_s), Phase.STARTING)
        else:
            self._show_phase(phase_text(snapshot), snapshot.phase)

    def _show_rate(self, snapshot: RackSnapshot) -> None:
        """Show how fast text flows, or for how long none has come."""
        rate, tokens = snapshot.tokens_per_second, self._appearance.tokens
        words, colour = format_rate(rate) if rate is not None else "", tokens.text
        newest_at_s = snapshot.newest_token_at_s
        if newest_at_s is not None and self._link.now_s - newest_at_s > RECENT_S:
            words, colour = no_token_text(self._link.now_s - newest_at_s), tokens.warn
        self.rate.setText(words)
        colour_words(self.rate, colour)

    def _show_rack(self, snapshot: RackSnapshot) -> None:
        self.rack.setText(rack_text(snapshot))
        if snapshot.model is not None:
            self._show_model(snapshot.model)

    def _show_model(self, model: ModelChoice) -> None:
        words = model_text(model)
        if model.harm:
            words = with_harm(words, self._appearance.tokens.warn)
        if self.model.text() != words:
            self.model.setText(words)
            harm = fact_text(model.harm) if model.harm else ""
            self.model.setToolTip("\n".join(filter(None, (model_text(model), harm))))

    def _show_phase(self, words: str, phase: Phase) -> None:
        colour = phase_colour(phase, self._appearance.tokens)
        coloured = f'<span style="color: {colour}">{escape(words)}</span>'
        if self.phase.text() != coloured:
            self.phase.setText(coloured)
