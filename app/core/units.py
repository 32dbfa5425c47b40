"""Figures as people read them: a unit always, three significant digits."""

from __future__ import annotations

BYTES_PER_MEGABYTE = 1_000_000
_BYTE_UNITS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))

_LONG_UNITS = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s"))
"""The two units that a long time span is told in, the second left out where there is none."""


def significant(value: float) -> str:
    """Return the value with three significant digits and no exponent."""
    magnitude = abs(value)
    if magnitude >= 99.95:
        return f"{value:,.0f}"
    if magnitude >= 9.995:
        return f"{value:.1f}"
    return f"{value:.2f}"


def format_bytes(size_bytes: float) -> str:
    """Return a size in decimal units, such as `12.5 MB`."""
    for scale, unit in _BYTE_UNITS:
        if abs(size_bytes) >= scale * 0.9995:
            return f"{significant(size_bytes / scale)} {unit}"
    return f"{size_bytes:.0f} B"


def format_duration(seconds: float) -> str:
    """Return a time span from microseconds to days, such as `4.10 ms` or `2 h 5 min`."""
    for scale, unit, rest_scale, rest_unit in _LONG_UNITS:
        least = min(rest_scale, 60) if rest_scale > 60 else 1
        if round(seconds / least) * least >= scale:
            whole, rest = divmod(round(seconds / rest_scale), scale // rest_scale)
            return f"{whole} {unit} {rest} {rest_unit}" if rest else f"{whole} {unit}"
    if seconds >= 1:
        return f"{significant(seconds)} s"
    if seconds >= 1e-3:
        return f"{significant(seconds * 1e3)} ms"
    return f"{significant(seconds * 1e6)} µs"


def format_rate(per_second: float, unit: str = "tok") -> str:
    """Return a rate, of tokens where nothing else is said, such as `31.2 tok/s`."""
    return f"{significant(per_second)} {unit}/s"
