"""Whether a person can see a widget: panels behind a tab count as visible to Qt."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget


def is_seen(widget: QWidget) -> bool:
    """Whether any part of a widget shows, so that it is worth bringing up to date."""
    return widget.isVisible() and not widget.visibleRegion().isEmpty()
