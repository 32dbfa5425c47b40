"""Plays a scene: shows a caption once what it speaks of has happened, then does what follows."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from app.core.errors import BadInputError
from app.core.identifiers import RequestId
from app.core.tasks import Complete
from app.faults.catalogue import parse_fault
from app.rack.commands import Apply, Ask, Inject, Replan
from app.rack.snapshot import RackSnapshot
from app.ui.playground.sampling_button import DEMO_SAMPLING
from app.ui.presenter.moments import Happened, happened, newest_event
from app.ui.presenter.scenes import Deed, Scene, SceneStep, said
from app.ui.rack_link import RackLink
from app.words.sentences import error_text


class ScenePlayer(QObject):
    """One scene at a time. A remote takes captions back, and ends the time that one stands."""

    changed = Signal()
    """Another caption, or the scene has begun or ended."""

    def __init__(self, link: RackLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self.scene: Scene | None = None
        self._told: list[tuple[SceneStep, Happened]] = []
        self._shown = -1
        self._since = 0
        self._request: RequestId | None = None
        self._hold = QTimer(self, singleShot=True)
        self._hold.timeout.connect(self._go_on)
        link.snapshot_changed.connect(self._look)

    def play(self, scene: Scene) -> None:
        """Begin a scene from its first step."""
        snapshot = self._link.snapshot
        self.scene, self._told, self._shown, self._request = scene, [], -1, None
        self._since = newest_event(snapshot) if snapshot else 0
        self._hold.stop()
        self.changed.emit()
        self._go_on()

    def stop(self) -> None:
        """End the scene; what the rack is doing goes on."""
        if self.scene is not None:
            self.scene = None
            self._hold.stop()
            self.changed.emit()

    def step(self, by: int) -> None:
        """Show the caption before or after; past the newest one its time ends at once."""
        if self.scene is None:
            return
        wanted = self._shown + by
        if wanted >= len(self._told):
            self._hold.stop()
            self._go_on()
        elif wanted >= 0:
            self._shown = wanted
            self.changed.emit()

    @property
    def caption(self) -> str:
        """The caption that is shown, in the language in force."""
        if self.scene is None:
            return ""
        if not self._told:
            return said(self.scene.title)
        step, what = self._told[self._shown]
        return what.caption(said(step.caption))

    @property
    def place(self) -> tuple[int, int]:
        """Which step is shown, from 1 (0 is the title), and how many there are."""
        return self._shown + 1, len(self.scene.steps) if self.scene else 0

    @property
    def ended(self) -> bool:
        """Whether the last caption was told."""
        return self.scene is not None and len(self._told) == len(self.scene.steps)

    def _go_on(self) -> None:
        if self._link.snapshot is not None:
            self._look(self._link.snapshot)

    def _look(self, snapshot: RackSnapshot) -> None:
        if self.scene is None or self.ended or self._hold.isActive():
            return
        step = self.scene.steps[len(self._told)]
        what = happened(step.wait, snapshot, self._since, self._request)
        if what is not None:
            self._tell(step, what, snapshot)

    def _tell(self, step: SceneStep, what: Happened, snapshot: RackSnapshot) -> None:
        self._told.append((step, what))
        self._shown = len(self._told) - 1
        self._hold.start(int(step.hold_s * 1000))
        self.changed.emit()
        self._do(step, snapshot)

    def _do(self, step: SceneStep, snapshot: RackSnapshot) -> None:
        if step.do is Deed.GENERATE:
            self._link.submit(Ask(Complete(step.prompt), step.tokens, DEMO_SAMPLING), self._began)
        elif step.do is Deed.INJECT:
            try:
                fault = parse_fault(step.fault, [phone.serial for phone in snapshot.phones])
            except BadInputError as error:
                self._link.failed.emit(error_text(error))
                self.stop()
                return
            self._link.submit(Inject(fault), None, self.stop)
        elif step.do is Deed.DEPLOY:
            replan = Replan(snapshot.objective, snapshot.pins)
            self._link.submit(replan, lambda _: self._apply(), self.stop)

    def _apply(self) -> None:
        self._link.submit(Apply(), None, self.stop)

    def _began(self, request: RequestId) -> None:
        self._request = request
