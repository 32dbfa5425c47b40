"""What phone a virtual phone pretends to be, and what it is held to."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields, replace

from app.core.errors import BadInputError

AVAILABLE_MEMORY_SHARE = 0.6
"""Of a phone's memory, what Android leaves to programs; the rest is its own."""

_SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LINE = re.compile(r"[^\x00-\x1f\x7f=;\[\]]{1,64}")
_ABI_OF_MACHINE = {"amd64": "x86_64", "aarch64": "arm64-v8a", "arm64": "arm64-v8a"}


@dataclass(frozen=True)
class Persona:
    """A model of phone and its limits; a limit of None is not applied.

    `cpu_share` is a share of one host core, for all the phone's programs together. Latency is one
    way, bandwidth is for each direction. With `accept_keys = "ask"` an unknown computer stays
    unauthorised until somebody accepts its key on the phone; with `"always"` that holds only for
    programs of another user of this machine. With `wireless` it has wireless debugging instead:
    only paired computers come in, by TLS. Without `wifi` it has a cable only: nothing reaches it
    but its ADB connections. An `isolated` one is on a Wi-Fi that keeps phones apart: it cannot
    connect to others.
    """

    serial: str
    name: str
    manufacturer: str
    android_version: str
    cores: int
    memory_bytes: int
    cpu_share: float | None = None
    link_latency_ms: float | None = None
    link_mbit_per_second: float | None = None
    battery_percent: int = 100
    temperature_celsius: float = 30.0
    accept_keys: str = "always"
    wireless: bool = False
    wifi: bool = True
    isolated: bool = False

    @property
    def abi(self) -> str:
        """The host's own ABI in Android's words: what runs on the phone runs on the host."""
        machine = platform.machine().lower()
        return _ABI_OF_MACHINE.get(machine, machine)

    @property
    def programs_bytes(self) -> int:
        """Memory that programs may take together."""
        return int(self.memory_bytes * AVAILABLE_MEMORY_SHARE)

    @property
    def has_link_limits(self) -> bool:
        """Whether its link is slower than loopback."""
        return bool(self.link_latency_ms or self.link_mbit_per_second)

    @property
    def reaches_others(self) -> bool:
        """Whether it can connect to other phones by itself."""
        return self.wifi and not self.isolated

    @staticmethod
    def from_table(table: Mapping[str, object], context: str = "persona") -> Persona:
        """Check one `[[phones]]` table. Raises `BadInputError` naming the context and the key."""
        known = {field.name: field for field in fields(Persona)}
        for key in table:
            if key not in known:
                raise BadInputError(f"{context}: unknown key '{key}'.")
        for key, field in known.items():
            if field.default is MISSING and key not in table:
                raise BadInputError(f"{context}: '{key}' is missing.")
        for key, value in table.items():
            _check(key, value, context)
        return Persona(**table)  # type: ignore[arg-type]

    @staticmethod
    def from_json(text: str, context: str = "persona") -> Persona:
        """Read what `to_json` wrote. Raises `BadInputError` where it is not a persona."""
        try:
            table = json.loads(text)
        except ValueError as error:
            raise BadInputError(f"{context}: {error}") from None
        if not isinstance(table, dict):
            raise BadInputError(f"{context}: not an object.")
        return Persona.from_table(
            {key: value for key, value in table.items() if value is not None}, context
        )

    def to_json(self) -> str:
        """Return every field as one JSON object."""
        return json.dumps(asdict(self))


def first_personas(personas: Sequence[Persona], count: int) -> tuple[Persona, ...]:
    """Return the first `count`, cycling under new serials and names past the end."""
    chosen = []
    for index in range(count):
        lap, position = divmod(index, len(personas))
        persona = personas[position]
        if lap:
            persona = replace(
                persona,
                serial=f"{persona.serial}-{lap + 1}",
                name=f"{persona.name} ({lap + 1})",
            )
        chosen.append(persona)
    return tuple(chosen)


_RANGES: dict[str, tuple[float, float, str]] = {
    "cores": (1, 64, "a whole number from 1 to 64"),
    "memory_bytes": (64_000_000, 1_000_000_000_000, "a whole number of bytes, 64 MB to 1 TB"),
    "cpu_share": (0.01, 1, "a number from 0.01 to 1"),
    "link_latency_ms": (0, 10_000, "a number of milliseconds from 0 to 10000"),
    "link_mbit_per_second": (0.01, 100_000, "a number of Mbit/s from 0.01 to 100000"),
    "battery_percent": (0, 100, "a whole number from 0 to 100"),
    "temperature_celsius": (-40, 150, "a number of degrees from -40 to 150"),
}
_FLAGS = frozenset({"wireless", "wifi", "isolated"})
_WHOLE_NUMBERS = frozenset({"cores", "memory_bytes", "battery_percent"})


def _check(key: str, value: object, context: str) -> None:
    if key in _RANGES:
        low, high, wanted = _RANGES[key]
        kinds = (int,) if key in _WHOLE_NUMBERS else (int, float)
        valid = isinstance(value, kinds) and not isinstance(value, bool) and low <= value <= high
    elif key == "accept_keys":
        wanted, valid = "'always' or 'ask'", value in {"always", "ask"}
    elif key in _FLAGS:
        wanted, valid = "true or false", isinstance(value, bool)
    elif key == "serial":
        wanted = "1 to 64 letters, digits, '.', '_' or '-'"
        valid = isinstance(value, str) and _SERIAL.fullmatch(value) is not None
    else:
        wanted = "a text of 1 to 64 characters without '=', ';', '[' or ']'"
        valid = isinstance(value, str) and _LINE.fullmatch(value) is not None
    if not valid:
        raise BadInputError(f"{context}: '{key}' must be {wanted}.")
