"""How a phone is: one call of its shell for everything, read as far as the phone tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from app.core.vitals import DeviceVitals
from app.devices.adb.link import PhoneLink
from app.devices.condition import parsers
from app.devices.condition import vitals_parsers as read
from app.devices.errors import PhoneRefusedError

VITALS_TIMEOUT_S: Final = 10.0
_MARK: Final = "--shardloom-vitals:"
_SECTION: Final = re.compile(rf"^{_MARK}(\w+)--\r?$", re.MULTILINE)
_PROCESSORS: Final = "/sys/devices/system/cpu"
_COMMANDS: Final = {
    "battery": "dumpsys battery",
    "current": 'read -r now </sys/class/power_supply/battery/current_now && echo "$now"',
    "thermal": (
        'heat=$(dumpsys thermalservice); case "$heat" in *Temperature*) echo "$heat" ;; '
        "*) dumpsys hardware_properties ;; esac"
    ),
    "memory": "cat /proc/meminfo",
    "processor": (
        '{ read -r all </proc/stat && echo "$all"; } || '
        "{ top -b -n 1 | head -n 8; cat /proc/loadavg; }"
    ),
    "cores": f"set -- {_PROCESSORS}/cpu[0-9]*; echo $#",
    "frequency": f"grep -H . {_PROCESSORS}/cpu[0-9]*/cpufreq/scaling_cur_freq",
    "wifi": (
        "cmd wifi status | grep 'WifiInfo:.*Supplicant' || "
        "dumpsys wifi | grep -m 1 'mWifiInfo.*Supplicant'"
    ),
    "deep": "dumpsys deviceidle get deep",
    "light": "dumpsys deviceidle get light",
    "screen": "dumpsys deviceidle get screen",
}
"""One section each, its mark alone on a line; a command that fails leaves it empty.

What the shell can do by itself starts no program: a phone is asked every two seconds.
"""

SCRIPT: Final = "; ".join(
    f"echo; echo {_MARK}{name}--; {{ {command}; }} 2>/dev/null"
    for name, command in _COMMANDS.items()
)


class VitalsReader:
    """Readings of one phone; the processor's load is that since the last one."""

    def __init__(self, link: PhoneLink) -> None:
        self._link = link
        self._times: read.ProcessorTimes | None = None

    def read(self) -> DeviceVitals:
        """Read the phone. Blocking.

        Raises `PhoneLostError`, or `PhoneRefusedError` where it does not even tell its memory.
        """
        printed = self._link.shell(SCRIPT, VITALS_TIMEOUT_S).stdout
        vitals = self._vitals(_sections(printed))
        if vitals is None:
            raise PhoneRefusedError("phone.memory_untold", transport=self._link.transport)
        return vitals

    def _vitals(self, texts: Mapping[str, str]) -> DeviceVitals | None:
        def text(name: str) -> str:
            return texts.get(name, "")

        memory = parsers.memory_bytes(text("memory"))
        if memory is None:
            return None
        celsius = parsers.thermal_celsius(text("thermal"))
        current_ma = read.battery_current_ma(text("battery"))
        return DeviceVitals(
            battery_percent=parsers.battery_percent(text("battery")),
            temperature_celsius=(
                parsers.battery_celsius(text("battery")) if celsius is None else celsius
            ),
            memory_total_bytes=memory[0],
            memory_available_bytes=memory[1],
            charging=read.charging(text("battery")),
            battery_current_ma=(
                read.battery_current_ma(text("current")) if current_ma is None else current_ma
            ),
            battery_volts=read.battery_volts(text("battery")),
            throttling=read.throttling(text("thermal")),
            processor_load=self._load(text("processor"), text("cores")),
            core_frequencies_mhz=read.frequencies_mhz(text("frequency")),
            wifi=read.wifi_link(text("wifi")),
            doze=read.doze(text("deep"), text("light")),
            screen_on=read.truth(text("screen")),
        )

    def _load(self, text: str, cores: str) -> float | None:
        times, before = read.processor_times(text), self._times
        self._times = times
        if times is not None:
            return read.load_between(before, times) if before else None
        load = read.load_of_top(text)
        if load is None:
            load = read.load_of_average(text, parsers.whole_number(cores, default=1))
        return load


def _sections(printed: str) -> dict[str, str]:
    """Return each section's text; what the phone printed of none is left out."""
    pieces = _SECTION.split(printed)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))
