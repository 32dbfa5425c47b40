"""How soon the list of phones shows that one was plugged in, or died."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from app.benchmarks.connecting.adb_server_of_own import adb_server_of_own
from app.benchmarks.connecting.links import phone, serial_of
from app.command_line.rack_session import RackSession, opened_rack
from app.core.device import DeviceState
from app.core.identifiers import Serial
from app.rack.options import RackOptions
from app.rack.snapshot import RackSnapshot
from app.virtual.rack import VirtualRack

TIMEOUT_S = 120.0
_GONE = frozenset({DeviceState.LOST})
_PREPARED = frozenset({DeviceState.READY, DeviceState.WORKING, DeviceState.STANDBY})
Fits = Callable[[RackSnapshot], bool]


@dataclass
class PluggingFigures:
    """Seconds from the event until the newest snapshot shows it, phone by phone."""

    appeared_s: list[float] = field(default_factory=list)
    lost_s: list[float] = field(default_factory=list)


def measure_plugging(folder: Path, rounds: int) -> tuple[PluggingFigures, PluggingFigures]:
    """Measure with phones behind an adb server, then with phones at known addresses."""
    serials = [serial_of(number) for number in range(rounds + 1)]
    behind, direct = PluggingFigures(), PluggingFigures()
    rack = VirtualRack([phone(serial) for serial in serials], folder / "behind")
    addresses = rack.start()
    try:
        with adb_server_of_own(folder) as server:
            server.connect(addresses[0])
            options = RackOptions(home=folder / "a", rack=f"server:127.0.0.1:{server.port}")
            with opened_rack(options) as session:
                session.wait_until_ready()
                for serial, address in list(zip(serials, addresses, strict=True))[1:]:
                    started_s = time.perf_counter()
                    server.connect(address)
                    behind.appeared_s.append(_waited_s(session, started_s, _shows(serial)))
                    behind.lost_s.append(_killed_s(session, rack, serial))
    finally:
        rack.stop()
    direct.lost_s = _measure_addresses(folder, serials)
    return behind, direct


def _measure_addresses(folder: Path, serials: list[Serial]) -> list[float]:
    rack = VirtualRack([phone(serial) for serial in serials], folder / "direct")
    try:
        options = RackOptions(home=folder / "b", rack=",".join(rack.start()))
        with opened_rack(options) as session:
            session.wait_until_ready()
            return [_killed_s(session, rack, serial) for serial in serials[1:]]
    finally:
        rack.stop()


def _killed_s(session: RackSession, rack: VirtualRack, serial: Serial) -> float:
    session.wait_until(_shows_in(serial, _PREPARED), TIMEOUT_S)
    started_s = time.perf_counter()
    rack.kill(serial)
    return _waited_s(session, started_s, _shows_in(serial, _GONE))


def _waited_s(session: RackSession, started_s: float, fits: Fits) -> float:
    session.wait_until(fits, TIMEOUT_S)
    return time.perf_counter() - started_s


def _shows(serial: Serial) -> Fits:
    return lambda snapshot: any(
        phone.serial == serial and phone.state not in _GONE for phone in snapshot.phones
    )


def _shows_in(serial: Serial, states: frozenset[DeviceState]) -> Fits:
    return lambda snapshot: any(
        phone.serial == serial and phone.state in states for phone in snapshot.phones
    )
