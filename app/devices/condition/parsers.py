"""What phones print, in the shapes of several Android versions, made into figures.

None where a text does not say; nothing here raises for odd text.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Final

_BATTERY_LINE: Final = re.compile(r"^\s*(level|scale|temperature): (-?\d+)\s*$", re.MULTILINE)
_HAL_BLOCK: Final = "Current temperatures from HAL:"
_TEMPERATURE: Final = re.compile(
    r"Temperature\{mValue=([-+0-9.Ee]+|NaN), mType=(\d+), mName=[^,}]*"
)
_PROPERTY_LINE: Final = re.compile(
    r"^(CPU|Battery|Skin) temperatures: \[([^\]\n]*)\]\s*$", re.MULTILINE
)
_MEMORY_LINE: Final = re.compile(r"^(\w+):\s+(\d+) kB\s*$", re.MULTILINE)
_INET: Final = re.compile(r"\binet (\d{1,3}(?:\.\d{1,3}){3})(?:/\d+)?\b")
_PLAUSIBLE_CELSIUS: Final = (-40.0, 150.0)
_SKIN, _BATTERY, _CPU = 3, 2, 0
"""Temperature types of android.os.Temperature."""
_PROPERTY_KINDS: Final = {"CPU": _CPU, "Battery": _BATTERY, "Skin": _SKIN}


def battery_percent(text: str) -> int | None:
    """Return the charge from `dumpsys battery`."""
    fields = _battery(text)
    level, scale = fields.get("level"), fields.get("scale", 100)
    if level is None or scale <= 0 or not 0 <= level <= scale:
        return None
    return round(100 * level / scale)


def battery_celsius(text: str) -> float | None:
    """Return the battery's temperature from `dumpsys battery`, which is in tenths of a degree."""
    tenths = _battery(text).get("temperature")
    return None if tenths is None else _plausible([tenths / 10])


def thermal_celsius(text: str) -> float | None:
    """Return the phone's temperature: the skin where it is measured, else battery, else processor.

    From `dumpsys thermalservice` (Android 10 and later), of which only the block read from the
    hardware counts, for the cached one may be old; or from `dumpsys hardware_properties` before.
    """
    _, found, block = text.partition(_HAL_BLOCK)
    readings = _hal_readings(block) if found else _property_readings(text)
    for kind in (_SKIN, _BATTERY, _CPU):
        celsius = _plausible(readings.get(kind, []))
        if celsius is not None:
            return celsius
    return None


def memory_bytes(text: str) -> tuple[int, int] | None:
    """Return (total, available) from `/proc/meminfo`, estimated on kernels before 3.14."""
    fields = {name: int(kilobytes) * 1024 for name, kilobytes in _MEMORY_LINE.findall(text)}
    total = fields.get("MemTotal")
    available = fields.get("MemAvailable")
    if available is None and "MemFree" in fields:
        available = sum(fields.get(name, 0) for name in ("MemFree", "Buffers", "Cached"))
    return None if total is None or available is None else (total, min(available, total))


def inet_address(text: str) -> str | None:
    """Return the first IPv4 address in the output of `ip -4 addr show`."""
    match = _INET.search(text)
    return match[1] if match and all(int(part) < 256 for part in match[1].split(".")) else None


def free_bytes(text: str) -> int | None:
    """Return the space left from `df -k`: the column before the percentage in the last row."""
    words = text.strip().rpartition("\n")[2].split()
    for before, word in itertools.pairwise(words):
        if re.fullmatch(r"\d+%", word) and before.isdecimal():
            return int(before) * 1024
    return None


def whole_number(text: str, default: int) -> int:
    """Return the number that the text is, or the default where it is none or below 1."""
    stripped = text.strip()
    return max(int(stripped), 1) if stripped.isascii() and stripped.isdecimal() else default


def _hal_readings(block: str) -> dict[int, list[float]]:
    readings: dict[int, list[float]] = {}
    for line in block.splitlines()[1:]:
        match = _TEMPERATURE.search(line)
        if match is None:
            break
        readings.setdefault(int(match[2]), []).append(_number(match[1]))
    return readings


def _property_readings(text: str) -> dict[int, list[float]]:
    return {
        _PROPERTY_KINDS[name]: [_number(word) for word in values.split(",")]
        for name, values in _PROPERTY_LINE.findall(text)
    }


def _battery(text: str) -> dict[str, int]:
    return {name: int(value) for name, value in _BATTERY_LINE.findall(text)}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _plausible(celsius: Sequence[float]) -> float | None:
    low, high = _PLAUSIBLE_CELSIUS
    return max((value for value in celsius if low <= value <= high), default=None)
