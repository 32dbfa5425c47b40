"""Finding the rack a person asked for, and falling back to another where it has no phone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.core.facts import Fact
from app.devices.adb.keys import HostKey, host_key
from app.devices.discovery.address_watch import AddressWatch
from app.devices.discovery.discovery import Discovery
from app.devices.discovery.phone_sources import Reach
from app.devices.discovery.places import Places
from app.devices.wireless.paired_phones import PairedPhones
from app.rack.home import Home
from app.rack.phones.rack_file import RackDefinition, load_rack
from app.rack.phones.started_phones import StartedPhones

FALLBACK_RACK = "virtual:4"


@dataclass(frozen=True)
class OpenedRack:
    """A rack whose phones can be discovered, and what to know about it."""

    definition: RackDefinition
    discovery: Discovery
    places: Places
    key: HostKey
    paired: PairedPhones
    started: StartedPhones
    notices: tuple[Fact, ...]

    @property
    def expected(self) -> int:
        """How many phones are known to belong to it beforehand; 0 where nobody can know."""
        definition = self.definition
        if definition.servers or definition.network or definition.reach is Reach.USB:
            return 0
        return len(definition.personas) + len(definition.addresses)

    def close(self) -> None:
        """Let go of the phones and end those that were started. Blocking."""
        self.discovery.close()
        self.started.stop()


def open_phones(
    text: str | None, home: Home, assets: Path, *, beside_a_window: bool = False
) -> OpenedRack:
    """Start the phones that the rack brings along and return its discovery. Blocking.

    A crowd of them leaves the processors to the window it is beside. Raises `BadInputError` where
    the text names no rack.
    """
    racks = assets / "racks"
    definition = load_rack(text, racks)
    opened = _open(definition, home, (), beside_a_window=beside_a_window)
    if text is not None or opened.discovery.poll():
        return opened
    oddities = opened.discovery.oddities
    opened.close()
    fallback = load_rack(FALLBACK_RACK, racks)
    simulated = Fact("rack.simulated_for_want_of_phones", count=len(fallback.personas))
    return _open(fallback, home, (simulated, *oddities), beside_a_window=beside_a_window)


def _open(
    definition: RackDefinition, home: Home, notices: tuple[Fact, ...], *, beside_a_window: bool
) -> OpenedRack:
    started = StartedPhones(
        definition.personas, home.started_phones, beside_a_window=beside_a_window
    )
    gradual = beside_a_window and started.takes_a_while
    addresses = (*definition.addresses, *(() if gradual else started.start()))
    if definition.personas:
        notices = notices or (Fact("rack.simulated", count=len(definition.personas)),)
    key, paired = host_key(home.keys, Path.home()), PairedPhones(home.keys)
    discovery = Discovery(definition, key, addresses, paired)
    places = Places(definition, discovery, key, paired, addresses)
    if gradual:
        started.begin(lambda each: discovery.add(AddressWatch(each, key, discovery.tell)))
    return OpenedRack(definition, discovery, places, key, paired, started, notices)
