"""What phone a virtual phone pretends to be, and what it is held to."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields, replace

from app.core.errors import BadInputError
from app.virtual.persona_checks import check

AVAILABLE_MEMORY_SHARE = 0.6
"""Of a phone's memory, what Android leaves to programs; the rest is its own."""

_ABI_OF_MACHINE = {"amd64": "x86_64", "aarch64": "arm64-v8a", "arm64": "arm64-v8a"}


def host_abi() -> str:
    """Return this computer's processor in Android's words."""
    machine = platform.machine().lower()
    return _ABI_OF_MACHINE.get(machine, machine)


@dataclass(frozen=True)
class Persona:
    """A model of phone and its limits; a limit of None is not applied.

    `cpu_share` is a share of one host core, for all the phone's programs together. Latency is one
    way, bandwidth is for each direction. With `accept_keys = "ask"` an unknown computer stays
    unauthorised until somebody accepts its key on the phone; with `"always"` that holds only for
    programs of another user of this machine. With `wireless` it has wireless debugging instead:
    only paired computers come in, by TLS. Without `wifi` it has a cable only: nothing reaches it
    but its ADB connections. An `isolated` one is on a Wi-Fi that keeps phones apart: it cannot
    connect to others. A `busy` one belongs to another computer.

    `link_loss` is the share of segments that are lost and sent again. An `abi` other than this
    computer's needs an emulator (see `emulation`). Without `python` only a runtime of ours can run
    a worker, as on real Android. With `throttles` the phone's heat slows it; without, it is only
    shown. `ambient_celsius` of None is the temperature it starts with. A phone that is not
    `plugged` dozes `doze_after_s` after its screen went off.
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
    busy: bool = False
    abi: str = field(default_factory=host_abi)
    emulator: str = ""
    """Path of a static qemu for another ABI; empty takes the one this machine has."""
    python: bool = True
    link_loss: float = 0.0
    link_by: str = "userspace"
    """What shapes connections between phones: `userspace`, or `kernel` where that is possible."""
    plugged: bool = True
    battery_watt_hours: float = 17.0
    charger_watts: float = 7.5
    ambient_celsius: float | None = None
    heat_celsius_per_watt: float = 4.0
    heat_time_constant_s: float = 180.0
    throttles: bool = False
    cpu_max_mhz: int = 2800
    screen_off_after_s: float = 60.0
    doze_after_s: float = 300.0
    adbd_restart_every_s: float | None = None
    adbd_restart_ends_programs: bool = False

    @property
    def ambient(self) -> float:
        """Degrees Celsius to which it cools."""
        return self.temperature_celsius if self.ambient_celsius is None else self.ambient_celsius

    @property
    def processor_share(self) -> float | None:
        """Share of one host core to begin with; heat cannot slow what is not held at all."""
        return 1.0 if self.cpu_share is None and self.throttles else self.cpu_share

    @property
    def is_foreign(self) -> bool:
        """Whether its programs are for another processor than this computer's."""
        return self.abi != host_abi()

    @property
    def programs_bytes(self) -> int:
        """Memory that programs may take together."""
        return int(self.memory_bytes * AVAILABLE_MEMORY_SHARE)

    @property
    def has_link_limits(self) -> bool:
        """Whether its link is, or gets in its sleep, slower than loopback."""
        shaped = self.link_latency_ms or self.link_mbit_per_second or self.link_loss
        return bool(shaped) or not self.plugged

    @property
    def reaches_others(self) -> bool:
        """Whether it can connect to other phones by itself."""
        return self.wifi and not self.isolated

    @staticmethod
    def from_table(table: Mapping[str, object], context: str = "persona") -> Persona:
        """Check one `[[phones]]` table. Raises `BadInputError` naming the context and the key."""
        known = {each.name: each for each in fields(Persona)}
        for key in table:
            if key not in known:
                raise BadInputError("persona.unknown_key", context=context, key=key)
        for key, each in known.items():
            if each.default is MISSING and each.default_factory is MISSING and key not in table:
                raise BadInputError("persona.key_missing", context=context, key=key)
        for key, value in table.items():
            check(key, value, context)
        return Persona(**table)  # type: ignore[arg-type]

    @staticmethod
    def from_json(text: str, context: str = "persona") -> Persona:
        """Read what `to_json` wrote. Raises `BadInputError` where it is not a persona."""
        try:
            table = json.loads(text)
        except ValueError as error:
            raise BadInputError("persona.unreadable", context=context, reason=str(error)) from None
        if not isinstance(table, dict):
            raise BadInputError("persona.no_object", context=context)
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
