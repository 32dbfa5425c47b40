"""Our link to a phone on the network: pushes beside adb-shell's own transport, small calls."""

from __future__ import annotations

import hashlib
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from adb_shell.adb_device import AdbDeviceTcp

from app.core.identifiers import Serial
from app.devices.adb.keys import HostKey
from app.devices.links.adb_link import AdbLink
from app.devices.links.tcp_link import connect_tcp, split_address
from app.virtual.persona import Persona
from app.virtual.rack import VirtualRack

FAST, SLOW = "BENCH-FAST", "BENCH-SLOW"
SLOW_MBIT_PER_SECOND = 20.0
FAST_FILE_BYTES = 50_000_000
SLOW_FILE_BYTES = 4_000_000
CALLS_A_ROUND = 100
TARGET = "/data/local/tmp/bench"
STOCK_TIMEOUT_S = 10.0


@dataclass
class LinkFigures:
    """Rates of pushes in bytes per second, round by round, and times of `shell true`."""

    ours: list[float] = field(default_factory=list)
    stock: list[float] = field(default_factory=list)
    calls_ms: list[float] = field(default_factory=list)
    slow_ours: str = ""
    """What became of a push over the slow link, in words."""
    slow_stock: str = ""

    @property
    def ratio(self) -> float:
        """Median over rounds of our rate divided by the stock transport's."""
        return statistics.median(a / b for a, b in zip(self.ours, self.stock, strict=True))


def phone(serial: str, **limits: object) -> Persona:
    """Return a virtual phone without limits, but for those given."""
    table: dict[str, object] = {
        "serial": serial,
        "name": "Benchmark phone",
        "manufacturer": "Nobody",
        "android_version": "14",
        "cores": 4,
        "memory_bytes": 4_000_000_000,
    }
    return Persona.from_table({**table, **limits})


def measure_links(folder: Path, key: HostKey, rounds: int) -> LinkFigures:
    """Measure on a phone without limits and on one with a slow link, pushes interleaved."""
    slow = phone(SLOW, link_mbit_per_second=SLOW_MBIT_PER_SECOND)
    rack = VirtualRack([phone(FAST), slow], folder / "phones")
    fast_address, slow_address = rack.start()
    figures = LinkFigures()
    try:
        link = connect_tcp(fast_address, key)
        source = _random_file(folder / "fast", FAST_FILE_BYTES)
        for _ in range(rounds):
            figures.ours.append(_rate(source, lambda: link.push(source, TARGET)))
            figures.stock.append(_rate(source, lambda: _stock_push(fast_address, key, source)))
            figures.calls_ms.extend(_call_ms(link) for _ in range(CALLS_A_ROUND))
        link.close()
        source = _random_file(folder / "slow", SLOW_FILE_BYTES)
        figures.slow_ours = _outcome(slow_address, key, source, _our_push)
        figures.slow_stock = _outcome(slow_address, key, source, _stock_push)
    finally:
        rack.stop()
    return figures


def _random_file(path: Path, size_bytes: int) -> Path:
    path.write_bytes(os.urandom(size_bytes))
    return path


def _rate(source: Path, push: Callable[[], None]) -> float:
    started_s = time.perf_counter()
    push()
    return source.stat().st_size / (time.perf_counter() - started_s)


def _call_ms(link: AdbLink) -> float:
    started_s = time.perf_counter()
    link.shell("true")
    return (time.perf_counter() - started_s) * 1000


def _our_push(address: str, key: HostKey, source: Path) -> None:
    link = connect_tcp(address, key)
    try:
        link.push(source, TARGET)
    finally:
        link.close()


def _stock_push(address: str, key: HostKey, source: Path) -> None:
    device = AdbDeviceTcp(*split_address(address), default_transport_timeout_s=STOCK_TIMEOUT_S)
    device.connect([key], STOCK_TIMEOUT_S, STOCK_TIMEOUT_S, STOCK_TIMEOUT_S)
    try:
        device.push(str(source), TARGET)
    finally:
        device.close()


def _outcome(
    address: str, key: HostKey, source: Path, push: Callable[[str, HostKey, Path], None]
) -> str:
    """Push and return whether the bytes that landed are the file's, and at what rate."""
    started_s = time.perf_counter()
    try:
        push(address, key, source)
    except Exception as error:  # noqa: BLE001 - whatever the stock transport ends with is the figure
        return f"failed: {type(error).__name__}: {str(error)[:80]}"
    mbit_per_second = source.stat().st_size * 8e-6 / (time.perf_counter() - started_s)
    link = connect_tcp(address, key)
    landed = link.shell(f"sha256sum {TARGET}").stdout.partition(" ")[0]
    link.close()
    if landed != hashlib.sha256(source.read_bytes()).hexdigest():
        return "failed: other bytes landed"
    return f"whole, {mbit_per_second:.1f} Mbit/s"


def serial_of(number: int) -> Serial:
    """Return the serial number of one of many phones."""
    return Serial(f"BENCH-{number:02}")
