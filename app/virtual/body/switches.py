"""What commands on the phone have set, as files that its shell scripts write."""

from __future__ import annotations

from pathlib import Path

from app.core.vitals import Doze
from app.virtual.body.sleep import SleepRules

STAY_AWAKE_FILE = "settings-global-stay_on_while_plugged_in"
UNPLUGGED_FILE = "system/battery_unplugged"
LEVEL_FILE = "system/battery_level"
SCREEN_FILE = "system/screen"
DOZE_FILE = "system/deviceidle"
_FORCED = {"force-idle deep": Doze.DEEP, "force-idle light": Doze.LIGHT}
_DISABLED = "disable"
_TEMPORARY = (UNPLUGGED_FILE, LEVEL_FILE, SCREEN_FILE, DOZE_FILE)


class Switches:
    """Reads the phone's `/data`. What is set for a test is forgotten when the phone restarts."""

    def __init__(self, data: Path) -> None:
        self._data = data
        for name in _TEMPORARY:
            (data / name).unlink(missing_ok=True)

    @property
    def rules(self) -> SleepRules:
        """What is set about sleep."""
        doze = self._text(DOZE_FILE)
        return SleepRules(
            stays_awake=self._text(STAY_AWAKE_FILE) not in {"", "0", "null"},
            may_doze=doze != _DISABLED,
            forced=_FORCED.get(doze),
        )

    @property
    def is_unplugged(self) -> bool:
        """Whether `dumpsys battery unplug` pretends that there is no charger."""
        return (self._data / UNPLUGGED_FILE).exists()

    def take_screen(self) -> str:
        """Return `on` or `off` where a key was pressed since the last time, else nothing."""
        pressed = self._text(SCREEN_FILE)
        if pressed:
            (self._data / SCREEN_FILE).unlink(missing_ok=True)
        return pressed

    def _text(self, name: str) -> str:
        try:
            return (self._data / name).read_text(errors="replace").strip()
        except OSError:
            return ""
