"""Scenes for a stage: small files that say what is done, and what is told once it has happened.

Qt-free: the command line refuses a scene that is not there before it asks for a display.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final

from app.core.assets import ASSETS
from app.core.errors import BadInputError, reason_of
from app.rack.options import DEMO_PROMPT
from app.ui.window.layout_names import Layout
from app.words.catalogue import ENGLISH, LANGUAGES, language_used
from app.words.window import odd_scene, unknown_scene

FOLDER: Final = ASSETS / "scenes"
LARGEST_BYTES: Final = 64 << 10
MOST_STEPS: Final = 50
HOLD_S: Final = 4.0
"""How long a caption stands at least, so that it can be read."""
LONGEST_HOLD_S: Final = 600.0
TOKENS: Final = 300
"""What a scene writes unless it says more or less."""
MOST_TOKENS: Final = 1_000
_KEYS: Final = frozenset({"layout", "title", "steps"})
_STEP_KEYS: Final = frozenset({"wait", "do", "prompt", "fault", "caption", "hold_s", "tokens"})


class Moment(StrEnum):
    """What a step waits for: something that has really happened since the step before."""

    READY = "ready"
    DEPLOYED = "deployed"
    INJECTED = "injected"
    TEXT = "text"
    CAUGHT = "caught"
    LOST = "lost"
    REBALANCED = "rebalanced"
    SETTLED = "settled"


class Deed(StrEnum):
    """What is done once a step's caption is shown."""

    NOTHING = ""
    DEPLOY = "deploy"
    GENERATE = "generate"
    INJECT = "inject"


Words = Mapping[str, str]
"""By the code of each language."""


@dataclass(frozen=True)
class SceneStep:
    """One caption, what it waits for, and what follows it."""

    wait: Moment
    caption: Words
    do: Deed = Deed.NOTHING
    prompt: str = DEMO_PROMPT
    fault: str = ""
    """A fault specification, `KIND:PHONE[@TOKEN]`."""
    hold_s: float = HOLD_S
    tokens: int = TOKENS


@dataclass(frozen=True)
class Scene:
    """What plays by itself in a layout."""

    name: str
    title: Words
    layout: Layout
    steps: tuple[SceneStep, ...]

    @property
    def prompt(self) -> str:
        """What is asked first."""
        asked = (step.prompt for step in self.steps if step.do is Deed.GENERATE)
        return next(asked, DEMO_PROMPT)

    @property
    def fault(self) -> str | None:
        """What is injected first, if anything."""
        return next((step.fault for step in self.steps if step.do is Deed.INJECT), None)


def scene_names(folder: Path = FOLDER) -> tuple[str, ...]:
    """Return the scenes there are."""
    return tuple(sorted(path.stem for path in folder.glob("*.toml")))


@cache
def scene_named(name: str) -> Scene:
    """Return a scene; raises `BadInputError` naming those there are, or what is wrong with it."""
    if name not in scene_names():
        raise BadInputError(unknown_scene(name, scene_names()))
    return read_scene(FOLDER / f"{name}.toml")


def said(words: Words) -> str:
    """Return words in the language in force, in English where they lack it."""
    return words.get(language_used()) or words[ENGLISH]


def read_scene(path: Path) -> Scene:
    """Return the scene of a file. Raises `BadInputError` with what is wrong."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise _odd(path, "length")
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadInputError(odd_scene(path.name, str(reason_of(error)))) from None
    if not table.keys() <= _KEYS or table.get("layout") not in set(Layout):
        raise _odd(path, "layout")
    steps = table.get("steps")
    if not isinstance(steps, list) or not 1 <= len(steps) <= MOST_STEPS:
        raise _odd(path, "steps")
    read = tuple(_step(path, number, step) for number, step in enumerate(steps, start=1))
    return Scene(path.stem, _words(path, "title", table), Layout(table["layout"]), read)


def _step(path: Path, number: int, table: Any) -> SceneStep:  # noqa: ANN401 - as TOML has it
    place = f"steps[{number}]"
    if not isinstance(table, dict) or not table.keys() <= _STEP_KEYS:
        raise _odd(path, place)
    try:
        wait, do = Moment(table.get("wait", "")), Deed(table.get("do", ""))
    except ValueError:
        raise _odd(path, f"{place}.wait") from None
    hold_s, tokens = table.get("hold_s", HOLD_S), table.get("tokens", TOKENS)
    texts = (table.get("prompt", DEMO_PROMPT), table.get("fault", ""))
    fits = type(hold_s) in (int, float) and 0 <= hold_s <= LONGEST_HOLD_S
    fits = fits and type(tokens) is int and 1 <= tokens <= MOST_TOKENS
    if not fits or not all(isinstance(text, str) for text in texts):
        raise _odd(path, place)
    if (do is Deed.INJECT) != bool(texts[1]):
        raise _odd(path, f"{place}.fault")
    return SceneStep(wait, _words(path, "caption", table), do, *texts, float(hold_s), tokens)


def _words(path: Path, key: str, table: Mapping[str, Any]) -> Words:
    words = table.get(key)
    if not isinstance(words, dict) or not words.keys() <= LANGUAGES.keys() or ENGLISH not in words:
        raise _odd(path, key)
    if not all(isinstance(text, str) and text for text in words.values()):
        raise _odd(path, key)
    return words


def _odd(path: Path, place: str) -> BadInputError:
    return BadInputError(odd_scene(path.name, place))
