"""A person at the window: hands are xdotool, eyes are what the window tells of itself."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
PATIENCE_S = 240.0
_LOOK_S = 0.05


class Person:
    """Opens a window on a display, and uses pointer and keys there."""

    def __init__(self, display: str, home: Path, *way: str) -> None:
        """Begin a process of `told_window` with these arguments behind the home."""
        home.mkdir(exist_ok=True)
        settings = "[appearance]\nlanguage=en\n[playground]\nstart_demo=false\n"
        (home / "window.ini").write_text(settings)
        self._environment = {
            **os.environ,
            "DISPLAY": display,
            "QT_QPA_PLATFORM": "xcb",
            "PYTHONPATH": str(ROOT),
        }
        kind, *rest = way
        self._log = (home / "window.log").open("w+")
        self._window = subprocess.Popen(
            [sys.executable, "-m", "tests.ui.stories.told_window", kind, str(home), *rest],
            env=self._environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            bufsize=1,
        )

    def see(self, what: str) -> Any:  # noqa: ANN401 - whatever a test wants to know
        """Return what an expression of `window` and `snapshot` is."""
        return self._ask("see", what)

    def wait(self, what: str) -> Any:  # noqa: ANN401 - as above
        """Wait until an expression is true; returns what it is then."""
        return self._until("see", what)

    def click(self, path: str) -> None:
        """Click the middle of a widget once it is seen."""
        self._press(self._until("place", path))

    def click_row(self, path: str, row: int) -> None:
        """Click a row of a table once it is there."""
        self._press(self._until("row", path, row))

    def click_tab(self, path: str, index: int) -> None:
        """Click a tab of a bar of tabs."""
        self._press(self._until("tab", path, index))

    def command(self, words: str) -> None:
        """Run a command by its words in the palette."""
        self.keys("ctrl+k")
        self.wait("window._palette is not None and window._palette.isVisible()")
        self.types(words)
        self.wait(f"window._palette.filter.text() == {words!r}")
        self.keys("Return")
        self.wait("not window._palette.isVisible()")

    def drag_seam(self, place: int, layers: int) -> None:
        """Drag a seam of the layer map by so many layers."""
        x, y, end = self._until("seam", place, layers)
        self._hands("mousemove", x, y, "mousedown", 1)
        steps = 8
        for step in range(1, steps + 1):
            self._hands("mousemove", x + round((end - x) * step / steps), y)
        self._hands("mouseup", 1)

    def keys(self, *keys: str) -> None:
        """Press keys or chords one after the other."""
        self._hands("key", "--clearmodifiers", "--delay", 20, *keys)

    def types(self, words: str) -> None:
        """Type words."""
        self._hands("type", "--clearmodifiers", "--delay", 8, words)

    def leave(self) -> None:
        """Close the window by its own key, and see that the process ends well."""
        self.keys("ctrl+q")
        self._window.stdin.close()  # type: ignore[union-attr]
        assert self._window.wait(PATIENCE_S) == 0, self._words()

    def end(self) -> None:
        """End the process, whatever has become of it."""
        self._window.kill()
        self._window.wait(PATIENCE_S)
        self._log.close()

    def _press(self, point: list[int]) -> None:
        self._hands("mousemove", *point, "click", 1)

    def _hands(self, *words: object) -> None:
        command = ["xdotool", *map(str, words)]
        subprocess.run(command, env=self._environment, check=True, timeout=PATIENCE_S)

    def _until(self, *question: object) -> Any:  # noqa: ANN401 - an answer of any kind
        deadline_s = time.monotonic() + PATIENCE_S
        while not (answer := self._ask(*question)):
            assert time.monotonic() < deadline_s, (question, self._words())
            time.sleep(_LOOK_S)
        return answer

    def _ask(self, *question: object) -> Any:  # noqa: ANN401 - as above
        assert self._window.stdin is not None
        assert self._window.stdout is not None
        self._window.stdin.write(json.dumps(question) + "\n")
        ready, _, _ = select.select([self._window.stdout], [], [], PATIENCE_S)
        line = self._window.stdout.readline() if ready else ""
        assert line, (question, self._words())
        return json.loads(line)

    def _words(self) -> str:
        self._log.flush()
        self._log.seek(0)
        return self._log.read()[-4000:]
