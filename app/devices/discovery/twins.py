"""One phone seen in several ways, told from several phones of one serial number.

Some makers give all phones of a model the same `ro.serialno`. What differs is the boot: Linux draws
a random number for each (`/proc/sys/kernel/random/boot_id`), and a phone tells the same one by
whatever way it is reached.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from app.core.device import DeviceState
from app.core.identifiers import Serial
from app.devices.discovery.found_phone import FoundPhone

_CONNECTED: Final = (DeviceState.UNSUITABLE, DeviceState.FOUND)
"""The more useful last."""


class Twins:
    """Gives each phone of one serial number a name; a place keeps the name that it was given."""

    def __init__(self) -> None:
        self._names: dict[tuple[Serial, str], Serial] = {}

    def one_each(self, phones: Iterable[FoundPhone]) -> tuple[FoundPhone, ...]:
        """Return every phone once, as it was seen first by a way that can be used."""
        chosen: dict[Serial, FoundPhone] = {}
        started: dict[tuple[Serial, str], Serial] = {}
        for phone in phones:
            name = started.get((phone.serial, phone.boot))
            if name is None:
                name = self._name(phone, chosen.get(phone.serial))
            elif name == phone.serial:
                self._names.pop((phone.serial, phone.place), None)
            if _tells_its_boot(phone):
                started.setdefault((phone.serial, phone.boot), name)
            known = chosen.setdefault(name, phone.named(name))
            if _use(phone) > _use(known):
                chosen[name] = phone.named(name)
        return tuple(chosen.values())

    def _name(self, phone: FoundPhone, first: FoundPhone | None) -> Serial:
        """Return what to call a phone whose start nobody else has told of."""
        way = (phone.serial, phone.place)
        if first is not None and _tells_its_boot(phone) and _tells_its_boot(first):
            self._names[way] = Serial(f"{phone.serial}@{phone.place}")
        return self._names.get(way, phone.serial)


def _tells_its_boot(phone: FoundPhone) -> bool:
    """Tell whether the phone is there now and says when it was started."""
    return phone.state in _CONNECTED and bool(phone.boot)


def _use(phone: FoundPhone) -> int:
    """Return how much a way of seeing a phone is worth: one that leads nowhere nothing."""
    return _CONNECTED.index(phone.state) + 1 if phone.state in _CONNECTED else 0
