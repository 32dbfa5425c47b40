"""Prompts in, text out, with how sure and how fast."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.core.units import format_duration, format_rate
from app.rack.snapshot import RackSnapshot, RequestSnapshot, RequestState
from app.ui.appearance import STAGE_LINE_SCALE, Appearance, colour_words, tabular
from app.ui.generation import CAN_GENERATE, Generation, Wanted
from app.ui.rack_link import RackLink
from app.ui.sampling_button import SamplingButton
from app.ui.stream_view import StreamView
from app.ui.wording import request_word

DEMO_PROMPT = "In the beginning"
DEMO_TOKENS = 300


class Playground(QWidget):
    """Shows the newest request; a new prompt may start while another runs."""

    def __init__(self, link: RackLink, appearance: Appearance) -> None:
        super().__init__()
        self._link = link
        self._appearance = appearance
        self._shown: RequestSnapshot | None = None
        self.prompt = QLineEdit(DEMO_PROMPT)
        self.prompt.setPlaceholderText(self.tr("Prompt"))
        self.prompt.setAccessibleName(self.tr("Prompt"))
        self.tokens = QSpinBox(minimum=1, maximum=4096, value=DEMO_TOKENS)
        self.tokens.setSuffix(self.tr(" tokens"))
        self.tokens.lineEdit().setTextMargins(5, 0, 0, 0)
        self.sampling = SamplingButton()
        self.repeat = QPushButton(self.tr("Repeat"))
        self.repeat.setObjectName("switch")
        self.repeat.setCheckable(True)
        self.repeat.setToolTip(
            self.tr("Keeps text flowing: when one text ends, the next begins with the next seed.")
        )
        self.generation = Generation(link, self._wanted)
        self.generate = QPushButton(self.tr("Generate"))
        self.generate.setObjectName("primary")
        self.cancel = QPushButton(self.tr("Cancel"))
        self.stream = StreamView(appearance)
        self.explanation = QLabel()
        self.figures = QLabel()
        self._arrange()
        self.enlarge(1.0)
        self.prompt.returnPressed.connect(self.start)
        self.generate.clicked.connect(self.start)
        self.cancel.clicked.connect(self.generation.stop)
        self.repeat.toggled.connect(self.generation.set_repeating)
        self.generation.repeating_changed.connect(self.repeat.setChecked)
        link.snapshot_changed.connect(self._show)
        appearance.changed.connect(self._explain)
        self._enable(None)

    def start(self) -> None:
        """Generate from what is typed."""
        self.generation.start()

    def enlarge(self, scale: float) -> None:
        """Show the text larger, for a stage."""
        self.stream.setFont(tabular(self.font(), scale=scale))
        line_scale = min(scale, STAGE_LINE_SCALE)
        self.figures.setFont(tabular(self.font(), scale=0.92 * line_scale))
        self.explanation.setFont(tabular(self.font(), scale=line_scale))

    def _wanted(self) -> Wanted:
        return Wanted(self.prompt.text(), self.tokens.value(), self.sampling.sampling())

    def _show(self, snapshot: RackSnapshot) -> None:
        self._shown = snapshot.requests[-1] if snapshot.requests else None
        self._enable(snapshot)
        if self._shown is not None:
            self.stream.show_request(self._shown)
            self.figures.setText(self._figures_text(self._shown))
        self._explain()

    def _enable(self, snapshot: RackSnapshot | None) -> None:
        ready = snapshot is not None and snapshot.phase in CAN_GENERATE
        self.generate.setEnabled(ready)
        self.repeat.setEnabled(ready or self.repeat.isChecked())
        self.cancel.setEnabled(self._shown is not None and not self._shown.state.ended)

    def _explain(self) -> None:
        request, tokens = self._shown, self._appearance.tokens
        colour, words = tokens.muted, ""
        if self.stream.rollback is not None:
            colour = tokens.slashed
            words = self.tr("Struck out: taken back after a failed check, then written again.")
        elif request is None:
            words = ""
        elif request.state is RequestState.FAILED:
            colour, words = tokens.bad, request.state_reason
        elif request.unverified_text:
            colour = tokens.warn
            words = self.tr("Dotted text is not verified yet: audits are still checking it.")
        elif request.state is RequestState.SETTLED:
            colour, words = tokens.good, self.tr("All of this text is verified.")
        self.explanation.setText(words)
        colour_words(self.explanation, colour)

    def _figures_text(self, request: RequestSnapshot) -> str:
        parts = [request_word(request.state)]
        parts.append(f"{len(request.token_ids)}/{request.tokens_wanted}")
        if request.tokens_per_second is not None:
            parts.append(format_rate(request.tokens_per_second))
        if request.time_to_first_token_ms is not None:
            first = format_duration(request.time_to_first_token_ms / 1e3)
            parts.append(self.tr("first token {time}").format(time=first))
        counts = (
            (self.tr("receipts {count}"), request.receipts, True),
            (self.tr("audits {count}"), request.audits, True),
            (self.tr("slashes {count}"), request.slashes, request.slashes > 0),
            (self.tr("failovers {count}"), request.failovers, request.failovers > 0),
        )
        parts.extend(words.format(count=count) for words, count, shown in counts if shown)
        return "   ·   ".join(parts)

    def _arrange(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.prompt, 1)
        for widget in (self.tokens, self.sampling, self.repeat, self.generate, self.cancel):
            line.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(4)
        layout.addLayout(line)
        layout.addWidget(self.stream, 1)
        self.figures.setObjectName("muted")
        layout.addWidget(self.figures)
        layout.addWidget(self.explanation)
        self.stream.setMinimumHeight(36)
