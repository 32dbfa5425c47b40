"""Finding the rack a person asked for, and falling back to virtual phones where none is found."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from app.devices.discovery import Discovery
from app.devices.keys import HostKey, host_key
from app.devices.places import Places
from app.devices.rack_file import RackDefinition, load_rack
from app.devices.virtual.rack import VirtualRack
from app.devices.wireless.paired_phones import PairedPhones
from app.rack.home import Home

FALLBACK_RACK = "virtual:4"
CROWD_PER_PROCESSOR = 8
"""More simulated phones than that for each processor would keep a window from moving."""
NICENESS_OF_A_CROWD = 10


@dataclass(frozen=True)
class OpenedRack:
    """A rack whose phones can be discovered, and the line to show about it."""

    definition: RackDefinition
    discovery: Discovery
    places: Places
    key: HostKey
    paired: PairedPhones
    virtual: VirtualRack | None
    notice: str

    def close(self) -> None:
        """Let go of the phones and end the virtual ones. Blocking."""
        self.discovery.close()
        if self.virtual is not None:
            self.virtual.stop()


def open_phones(
    text: str | None, home: Home, assets: Path, *, beside_a_window: bool = False
) -> OpenedRack:
    """Start virtual phones where the rack has some and return its discovery. Blocking.

    A crowd of them leaves the processors to the window it is beside. Raises `BadInputError` where
    the text names no rack.
    """
    racks = assets / "racks"
    definition = load_rack(text, racks)
    opened = _open(definition, home, "", beside_a_window=beside_a_window)
    if text is not None or opened.discovery.poll():
        return opened
    oddities = opened.discovery.oddities
    opened.close()
    fallback = load_rack(FALLBACK_RACK, racks)
    count = len(fallback.personas)
    notice = f"No phone is connected: these {count} phones are simulated."
    notice = " ".join((notice, *oddities))
    return _open(fallback, home, notice, beside_a_window=beside_a_window)


def niceness_of(phones: int) -> int:
    """Return how far so many simulated phones have to yield this computer's processors."""
    is_crowd = phones > CROWD_PER_PROCESSOR * (os.cpu_count() or 1)
    return NICENESS_OF_A_CROWD if is_crowd else 0


def _open(
    definition: RackDefinition, home: Home, notice: str, *, beside_a_window: bool
) -> OpenedRack:
    virtual = None
    addresses = definition.addresses
    if definition.personas:
        niceness = niceness_of(len(definition.personas)) if beside_a_window else 0
        virtual = VirtualRack(definition.personas, home.virtual_phones, niceness)
        addresses = (*addresses, *virtual.start())
        notice = notice or f"{len(definition.personas)} phones of this rack are simulated."
    key, paired = host_key(home.keys, Path.home()), PairedPhones(home.keys)
    discovery = Discovery(definition, key, addresses, paired)
    places = Places(definition, discovery, key, paired, addresses)
    return OpenedRack(definition, discovery, places, key, paired, virtual, notice)
