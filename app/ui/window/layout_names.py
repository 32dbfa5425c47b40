"""The layouts of the window by name. Qt-free: the command line offers scenes, which name them."""

from __future__ import annotations

from enum import StrEnum


class Layout(StrEnum):
    """The layouts there are."""

    OPERATOR = "operator"
    PRESENTER = "presenter"
    TESTER = "tester"
