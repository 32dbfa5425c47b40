"""Prompts in, text out, with how sure and how fast."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.core.identifiers import RequestId
from app.core.units import format_duration, format_rate
from app.rack.control import Sampling
from app.rack.snapshot import Phase, RackSnapshot, RequestSnapshot, RequestState
from app.ui.appearance import Appearance, tabular
from app.ui.rack_link import RackLink
from app.ui.stream_view import StreamView
from app.ui.wording import request_word

DEMO_PROMPT = "In the beginning"
DEMO_TOKENS = 120
_ENDED = (RequestState.SETTLED, RequestState.CANCELLED, RequestState.FAILED)


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
        self.temperature = QDoubleSpinBox(minimum=0.0, maximum=2.0, singleStep=0.1)
        self.temperature.setPrefix("T ")
        for box in (self.tokens, self.temperature):
            box.lineEdit().setTextMargins(5, 0, 0, 0)
        self.temperature.setToolTip(self.tr("Temperature; 0 always takes the likeliest token."))
        self.generate = QPushButton(self.tr("Generate"))
        self.generate.setObjectName("primary")
        self.cancel = QPushButton(self.tr("Cancel"))
        self.stream = StreamView(appearance)
        self.explanation = QLabel()
        self.figures = QLabel()
        self.figures.setFont(tabular(self.figures.font(), scale=0.92))
        self._arrange()
        self.prompt.returnPressed.connect(self.start)
        self.generate.clicked.connect(self.start)
        self.cancel.clicked.connect(self._cancel)
        link.snapshot_changed.connect(self._show)
        appearance.changed.connect(self._explain)
        self._enable(None)

    def start(self) -> None:
        """Generate from what is typed."""
        prompt, tokens = self.prompt.text(), self.tokens.value()
        sampling = Sampling(temperature=self.temperature.value())
        if prompt:
            self._link.submit(lambda control: control.generate(prompt, tokens, sampling))

    def enlarge(self, scale: float) -> None:
        """Show the text larger, for a stage."""
        font = self.prompt.font()
        font.setPointSizeF(font.pointSizeF() * scale)
        self.stream.setFont(font)

    def _cancel(self) -> None:
        if self._shown is not None:
            request: RequestId = self._shown.identifier
            self._link.submit(lambda control: control.cancel(request))

    def _show(self, snapshot: RackSnapshot) -> None:
        self._shown = snapshot.requests[-1] if snapshot.requests else None
        self._enable(snapshot)
        if self._shown is not None:
            self.stream.show_request(self._shown)
            self.figures.setText(self._figures_text(self._shown))
        self._explain()

    def _enable(self, snapshot: RackSnapshot | None) -> None:
        ready = (Phase.READY, Phase.RUNNING, Phase.DEGRADED)
        self.generate.setEnabled(snapshot is not None and snapshot.phase in ready)
        self.cancel.setEnabled(self._shown is not None and self._shown.state not in _ENDED)

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
        self.explanation.setStyleSheet(f"color: {colour};")

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
        for widget in (self.tokens, self.temperature, self.generate, self.cancel):
            line.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(6)
        layout.addLayout(line)
        layout.addWidget(self.stream, 1)
        self.figures.setObjectName("muted")
        layout.addWidget(self.figures)
        layout.addWidget(self.explanation)
        self.stream.setMinimumHeight(44)
