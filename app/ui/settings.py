"""What the window remembers between runs, in one ini file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

STATE_VERSION = 1


class Settings:
    """Typed access to the settings file; an unreadable or odd value falls back to the default."""

    def __init__(self, path: Path) -> None:
        self._store = QSettings(str(path), QSettings.Format.IniFormat)

    @property
    def theme(self) -> str:
        """`system`, `dark` or `light`."""
        value = self._store.value("appearance/theme", "system")
        return value if value in ("dark", "light") else "system"

    @theme.setter
    def theme(self, value: str) -> None:
        self._store.setValue("appearance/theme", value)

    @property
    def reduce_motion(self) -> bool:
        """Whether nothing should move by itself."""
        return self._flag("appearance/reduce_motion", default=False)

    @reduce_motion.setter
    def reduce_motion(self, value: bool) -> None:
        self._store.setValue("appearance/reduce_motion", value)

    @property
    def start_demo(self) -> bool:
        """Whether the demo prompt starts by itself once the rack is ready."""
        return self._flag("playground/start_demo", default=True)

    @start_demo.setter
    def start_demo(self, value: bool) -> None:
        self._store.setValue("playground/start_demo", value)

    @property
    def layout(self) -> str:
        """The layout chosen last."""
        return str(self._store.value("window/layout", "operator"))

    @layout.setter
    def layout(self, value: str) -> None:
        self._store.setValue("window/layout", value)

    def save_window(self, geometry: QByteArray, state: QByteArray) -> None:
        """Remember where the window and its panels are."""
        self._store.setValue("window/geometry", geometry)
        self._store.setValue("window/state", state)
        self._store.sync()

    def window(self) -> tuple[QByteArray, QByteArray] | None:
        """Return what `save_window` stored, or None where there is nothing of use."""
        geometry = self._store.value("window/geometry")
        state = self._store.value("window/state")
        if isinstance(geometry, QByteArray) and isinstance(state, QByteArray):
            return geometry, state
        return None

    def _flag(self, key: str, *, default: bool) -> bool:
        return str(self._store.value(key, default)).lower() == "true"
