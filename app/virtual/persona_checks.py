"""What a rack file may say of a virtual phone: one check for each key of a persona."""

from __future__ import annotations

import re

from app.core.errors import BadInputError

_SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LINE = re.compile(r"[^\x00-\x1f\x7f=;\[\]]{1,64}")
_PATH = re.compile(r"[\w./+-]{0,500}", re.ASCII)

_RANGES: dict[str, tuple[float, float, str]] = {
    "cores": (1, 64, "a whole number from 1 to 64"),
    "memory_bytes": (64_000_000, 1_000_000_000_000, "a whole number of bytes, 64 MB to 1 TB"),
    "cpu_share": (0.01, 1, "a number from 0.01 to 1"),
    "cpu_max_mhz": (100, 10_000, "a whole number of MHz from 100 to 10000"),
    "link_latency_ms": (0, 10_000, "a number of milliseconds from 0 to 10000"),
    "link_mbit_per_second": (0.01, 100_000, "a number of Mbit/s from 0.01 to 100000"),
    "link_loss": (0, 0.5, "a share from 0 to 0.5"),
    "battery_percent": (0, 100, "a whole number from 0 to 100"),
    "battery_watt_hours": (0.0001, 1000, "a number of watt-hours from 0.0001 to 1000"),
    "charger_watts": (0, 200, "a number of watts from 0 to 200"),
    "temperature_celsius": (-40, 150, "a number of degrees from -40 to 150"),
    "ambient_celsius": (-40, 150, "a number of degrees from -40 to 150"),
    "heat_celsius_per_watt": (0, 1000, "a number of degrees for each watt from 0 to 1000"),
    "heat_time_constant_s": (0.1, 100_000, "a number of seconds from 0.1 to 100000"),
    "screen_off_after_s": (0, 1_000_000, "a number of seconds from 0 to 1000000"),
    "doze_after_s": (0, 1_000_000, "a number of seconds from 0 to 1000000"),
    "adbd_restart_every_s": (2, 1_000_000, "a number of seconds from 2 to 1000000"),
}
_WHOLE_NUMBERS = frozenset({"cores", "memory_bytes", "battery_percent", "cpu_max_mhz"})
_CHOICES: dict[str, tuple[str, ...]] = {
    "accept_keys": ("always", "ask"),
    "link_by": ("userspace", "kernel"),
    "abi": ("arm64-v8a", "x86_64", "armeabi-v7a", "x86"),
}
_SWITCHES = frozenset(
    {
        *("wireless", "wifi", "isolated", "busy", "python", "plugged", "throttles"),
        "adbd_restart_ends_programs",
    }
)


def check(key: str, value: object, context: str) -> None:
    """Check one key. Raises `BadInputError` naming the context, the key and what it must be."""
    wanted = _wanted(key, value)
    if wanted:
        raise BadInputError(f"{context}: '{key}' must be {wanted}.")


def _wanted(key: str, value: object) -> str:
    """Return what the key must be, nothing where the value is that."""
    if key in _RANGES:
        return _RANGES[key][2] if not _is_in_range(key, value) else ""
    if key in _CHOICES:
        return " or ".join(f"'{choice}'" for choice in _CHOICES[key] if value not in _CHOICES[key])
    if key in _SWITCHES:
        return "" if isinstance(value, bool) else "true or false"
    if key == "serial":
        return _unless(_SERIAL, value, "1 to 64 letters, digits, '.', '_' or '-'")
    if key == "emulator":
        return _unless(_PATH, value, "a path of letters, digits, '.', '_', '-', '+' and '/'")
    return _unless(_LINE, value, "a text of 1 to 64 characters without '=', ';', '[' or ']'")


def _is_in_range(key: str, value: object) -> bool:
    low, high, _ = _RANGES[key]
    kinds = (int,) if key in _WHOLE_NUMBERS else (int, float)
    return isinstance(value, kinds) and not isinstance(value, bool) and low <= value <= high


def _unless(pattern: re.Pattern[str], value: object, wanted: str) -> str:
    return "" if isinstance(value, str) and pattern.fullmatch(value) else wanted
