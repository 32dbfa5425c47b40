"""Texts of widgets that follow the language: said now, and again each time it changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QComboBox, QLabel
from shiboken6 import isValid

from app.words.catalogue import tr

Owner = TypeVar("Owner", bound=QObject)
_NARROW_BOX: Final = 84
"""Pixels for a few letters and the arrow."""
_SAID: Final[WeakKeyDictionary[QObject, dict[str, Callable[[Any], object]]]] = WeakKeyDictionary()
"""By widget and by what is said of it; nothing here keeps a widget alive."""


def said(owner: Owner, name: str, say: Callable[[Owner], object]) -> None:
    """Call `say` with the widget now and at each change of language; `name` is replaced by it."""
    _SAID.setdefault(owner, {})[name] = say
    say(owner)


def spoken(setter: Callable[[str], object], words: str | Callable[[], str]) -> None:
    """Keep what a setter such as `button.setText` was given in the language in force.

    The words are a key of the catalogues, or a function that returns what to say and knows nothing
    of the widget.
    """
    owner: QObject = setter.__self__  # type: ignore[attr-defined]
    name: str = setter.__name__
    said(owner, name, lambda widget: getattr(widget, name)(said_as(words)))


def said_as(words: str | Callable[[], str]) -> str:
    """Return what a key of the catalogues, or a function, says in the language in force."""
    return tr(words) if isinstance(words, str) else words()


def spoken_label(words: str) -> QLabel:
    """Return a label of fixed words."""
    label = QLabel()
    spoken(label.setText, words)
    return label


def spoken_items(box: QComboBox, word: Callable[[Any], str]) -> None:
    """Name a box's items by the data that each carries; the box is as wide as the longest."""
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    said(box, "items", lambda owner: _name_items(owner, word))


def narrow(box: QComboBox, width: int = _NARROW_BOX) -> None:
    """Let a box be narrower than its longest item where there is little room."""
    box.setMinimumWidth(width)


def say_again() -> None:
    """Say everything anew: the language has changed."""
    for owner, sayings in list(_SAID.items()):
        if isValid(owner):
            for say in list(sayings.values()):
                say(owner)


def _name_items(box: QComboBox, word: Callable[[Any], str]) -> None:
    for index in range(box.count()):
        box.setItemText(index, word(box.itemData(index)))
