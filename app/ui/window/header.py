"""The line at the top: which rack, which model, what it is doing and how fast."""

from __future__ import annotations

from html import escape

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton

from app.core.units import format_age, format_bytes, format_rate
from app.rack.snapshot import Phase, RackSnapshot
from app.ui.looks.appearance import Appearance, colour_words, tabular
from app.ui.looks.marks import RECENT_S, STALE_AFTER_S, phase_colour
from app.ui.rack_link import RackLink
from app.ui.wording import harmed_word, phase_text, phase_word


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
        self.rack = QLabel(self.tr("rack: opening…"))
        self.model = QLabel()
        self.phase = QLabel(phase_word(Phase.STARTING))
        self.rate = QLabel()
        self.palette_button = QPushButton("Ctrl+K")
        self.palette_button.setToolTip(self.tr("Find a command"))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 6, 14, 6)
        layout.setSpacing(22)
        for label in (self._brand, self.rack, self.model):
            layout.addWidget(label)
        layout.addStretch(1)
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

    def _refresh(self) -> None:
        snapshot = self._link.snapshot
        if snapshot is None:
            self._show_phase(phase_word(Phase.STARTING), Phase.STARTING)
            return
        self._show_rack(snapshot)
        self._show_rate(snapshot)
        silence_s = self._link.silence_s
        if silence_s > STALE_AFTER_S and snapshot.phase is not Phase.STOPPED:
            words = self.tr("{phase}, no news for {seconds:.0f} s")
            text = words.format(phase=phase_word(snapshot.phase), seconds=silence_s)
            self._show_phase(text, Phase.STARTING)
        else:
            self._show_phase(phase_text(snapshot), snapshot.phase)

    def _show_rate(self, snapshot: RackSnapshot) -> None:
        """Show how fast text flows, or for how long none has come."""
        rate, tokens = snapshot.tokens_per_second, self._appearance.tokens
        words, colour = format_rate(rate) if rate is not None else "", tokens.text
        newest_at_s = snapshot.newest_token_at_s
        if newest_at_s is not None and self._link.now_s - newest_at_s > RECENT_S:
            age = format_age(self._link.now_s - newest_at_s)
            words, colour = self.tr("no token for {age}").format(age=age), tokens.warn
        self.rate.setText(words)
        colour_words(self.rate, colour)

    def _show_rack(self, snapshot: RackSnapshot) -> None:
        words = self.tr("rack: {name} ({count} phones)")
        self.rack.setText(words.format(name=snapshot.rack_name, count=len(snapshot.phones)))
        model = snapshot.model
        if model is not None:
            text = self.tr("model: {name} {quantization}, {layers} layers, {size}").format(
                name=model.name,
                quantization=model.quantization,
                layers=model.layers,
                size=format_bytes(model.weight_bytes),
            )
            self._show_model(text, model.harm)

    def _show_model(self, words: str, harm: str) -> None:
        if harm:
            colour = self._appearance.tokens.warn
            words += f', <span style="color: {colour}">{harmed_word()}</span>'
        if self.model.text() != words:
            self.model.setText(words)
            self.model.setToolTip(harm)

    def _show_phase(self, words: str, phase: Phase) -> None:
        colour = phase_colour(phase, self._appearance.tokens)
        coloured = f'<span style="color: {colour}">{escape(words)}</span>'
        if self.phase.text() != coloured:
            self.phase.setText(coloured)
