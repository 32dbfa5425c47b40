"""What a rack file may say of a virtual phone: one check for each key of a persona."""

from __future__ import annotations

import re

from app.core.errors import BadInputError

_SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LINE = re.compile(r"[^\x00-\x1f\x7f=;\[\]]{1,64}")
_PATH = re.compile(r"[\w./+-]{0,500}", re.ASCII)
_TEXTS: dict[str, tuple[re.Pattern[str], str]] = {
    "serial": (_SERIAL, "persona.wants_serial"),
    "emulator": (_PATH, "persona.wants_path"),
}
"""What every other text must be is `_LINE`."""

_RANGES: dict[str, tuple[float, float, str]] = {
    "cores": (1, 64, "persona.wants_whole_number"),
    "memory_bytes": (64_000_000, 1_000_000_000_000, "persona.wants_bytes"),
    "cpu_share": (0.01, 1, "persona.wants_number"),
    "cpu_max_mhz": (100, 10_000, "persona.wants_mhz"),
    "link_latency_ms": (0, 10_000, "persona.wants_milliseconds"),
    "link_mbit_per_second": (0.01, 100_000, "persona.wants_mbit_per_second"),
    "link_loss": (0, 0.5, "persona.wants_share"),
    "battery_percent": (0, 100, "persona.wants_whole_number"),
    "battery_watt_hours": (0.0001, 1000, "persona.wants_watt_hours"),
    "charger_watts": (0, 200, "persona.wants_watts"),
    "temperature_celsius": (-40, 150, "persona.wants_degrees"),
    "ambient_celsius": (-40, 150, "persona.wants_degrees"),
    "heat_celsius_per_watt": (0, 1000, "persona.wants_degrees_per_watt"),
    "heat_time_constant_s": (0.1, 100_000, "persona.wants_seconds"),
    "screen_off_after_s": (0, 1_000_000, "persona.wants_seconds"),
    "doze_after_s": (0, 1_000_000, "persona.wants_seconds"),
    "adbd_restart_every_s": (2, 1_000_000, "persona.wants_seconds"),
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
    if key in _RANGES:
        low, high, code = _RANGES[key]
        if not _is_in_range(key, value):
            raise BadInputError(code, context=context, key=key, low=low, high=high)
    elif key in _CHOICES:
        if value not in _CHOICES[key]:
            choices = tuple(f"'{choice}'" for choice in _CHOICES[key])
            raise BadInputError("persona.wants_choice", context=context, key=key, choices=choices)
    elif key in _SWITCHES:
        if not isinstance(value, bool):
            raise BadInputError("persona.wants_switch", context=context, key=key)
    else:
        pattern, code = _TEXTS.get(key, (_LINE, "persona.wants_line"))
        if not (isinstance(value, str) and pattern.fullmatch(value)):
            raise BadInputError(code, context=context, key=key)


def _is_in_range(key: str, value: object) -> bool:
    low, high, _ = _RANGES[key]
    kinds = (int,) if key in _WHOLE_NUMBERS else (int, float)
    return isinstance(value, kinds) and not isinstance(value, bool) and low <= value <= high
