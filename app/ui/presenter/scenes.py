"""Scenes for a stage: a layout, a prompt and perhaps a fault, played once the rack is ready.

Qt-free: the command line refuses a scene that is not there before it asks for a display.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.core.errors import BadInputError
from app.rack.options import DEMO_PROMPT
from app.ui.window.layout_names import Layout
from app.words.window import unknown_scene


@dataclass(frozen=True)
class Scene:
    """What plays by itself; `fault` is a fault specification, `KIND:PHONE[@TOKEN]`."""

    layout: Layout
    prompt: str
    fault: str | None


SCENES: dict[str, Scene] = {
    "text": Scene(Layout.PRESENTER, DEMO_PROMPT, None),
    "liar": Scene(Layout.TESTER, DEMO_PROMPT, "wrong-output:2@8"),
    "crash": Scene(Layout.TESTER, DEMO_PROMPT, "crash:1@10"),
    "slow": Scene(Layout.OPERATOR, DEMO_PROMPT, "slow:3@5"),
}


def scene_named(name: str) -> Scene:
    """Return a scene; raises `BadInputError` naming those there are."""
    if name not in SCENES:
        raise BadInputError(unknown_scene(name, SCENES))
    return SCENES[name]
