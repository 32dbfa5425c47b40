"""What plays by itself once the rack is ready: the demo prompt or a scene."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.core.tasks import Complete
from app.rack.commands import Ask
from app.rack.options import DEMO_PROMPT
from app.rack.snapshot import Phase, RackSnapshot
from app.ui.playground.sampling_button import DEMO_SAMPLING, DEMO_TOKENS
from app.ui.presenter.scenes import Scene
from app.ui.presenter.stage import PresenterStage
from app.ui.rack_link import RackLink
from app.ui.settings import Settings


class FirstRun(QObject):
    """Acts once, at the first READY, where the operator has not started anything."""

    started = Signal()

    def __init__(
        self, link: RackLink, settings: Settings, scene: Scene | None, stage: PresenterStage
    ) -> None:
        super().__init__()
        self._link = link
        self._settings = settings
        self._scene = scene
        self._stage = stage
        self._done = False
        link.snapshot_changed.connect(self._take)

    def _take(self, snapshot: RackSnapshot) -> None:
        if self._done or snapshot.phase is not Phase.READY:
            return
        self._done = True
        if self._scene is not None:
            self._stage.play(self._scene)
        elif self._settings.start_demo and not snapshot.requests:
            self._link.submit(Ask(Complete(DEMO_PROMPT), DEMO_TOKENS, DEMO_SAMPLING))
            self.started.emit()
