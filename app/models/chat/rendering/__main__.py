"""The rendering process: bounds itself, reads one task as JSON and answers with one object.

The task has `bounds`, `source` and `names`; the answer has `text`, or `beyond` with the bound that
was too narrow, or `refuses` with the template's words in one line. Where the processor time is used
up the system ends the process, whatever the template does just then.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from app.models.chat.rendering.bounds import Bounds
from app.models.chat.rendering.environment import rendered
from app.models.chat.rendering.limits import keep_within

_LINE_CHARACTERS = 300


def main() -> None:
    """Render the template that comes in on standard input."""
    task = json.load(sys.stdin)
    bounds = Bounds(**task["bounds"])
    keep_within(bounds)
    json.dump(_answer(task, bounds), sys.stdout)


def _answer(task: dict[str, Any], bounds: Bounds) -> dict[str, str]:
    try:
        text = rendered(task["source"], task["names"])
        size_bytes = len(text.encode())
    except MemoryError:
        return {"beyond": "memory"}
    except Exception as error:  # noqa: BLE001 - whatever a template runs into is its own word
        line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return {"refuses": line[:_LINE_CHARACTERS]}
    if size_bytes > bounds.text_bytes:
        return {"beyond": "text"}
    return {"text": text}


if __name__ == "__main__":
    main()
