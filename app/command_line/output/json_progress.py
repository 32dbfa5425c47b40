"""How far something is, as JSON for another program: one object a line, a few a second."""

from __future__ import annotations

import json
import sys
import time
from typing import Final

from app.core.facts import Fact
from app.words.sentences import fact_text

INTERVAL_S: Final = 0.2


class JsonProgress:
    """Writes `stage`, `done` and `total`; what follows too soon in a stage is left out."""

    def __init__(self) -> None:
        self._stage = ""
        self._told_s = 0.0

    def __call__(self, stage: Fact, done: int, total: int) -> None:
        """Tell how far a stage is."""
        words, now_s = fact_text(stage), time.monotonic()
        if words == self._stage and done < total and now_s - self._told_s < INTERVAL_S:
            return
        self._stage, self._told_s = words, now_s
        unit = "bytes" if stage.code == "import.downloading" else "steps"
        tell({"stage": words, "done": done, "total": total, "unit": unit})


def tell(what: dict[str, object]) -> None:
    """Write one object at once."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()
