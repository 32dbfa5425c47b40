from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ui.stories.hands import Person

Opened = Callable[..., Person]


@pytest.fixture
def at_the_window(display: str, tmp_path: Path) -> Iterator[Opened]:
    """Return what opens a window on a display of its own, in a way of `told_window`."""
    if shutil.which("xdotool") is None:
        pytest.skip("xdotool is not installed: nobody used the window by pointer and keys")
    people: list[Person] = []

    def open_it(*way: str) -> Person:
        person = Person(display, tmp_path / f"home-{len(people)}", *way)
        people.append(person)
        return person

    yield open_it
    for person in people:
        person.end()
