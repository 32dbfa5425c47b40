"""Where this computer reaches a worker: at the phone's Wi-Fi address, or through adb."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.device import Route
from app.devices.adb.link import PhoneLink
from app.devices.links.byte_pump import connect_to
from workers.protocol.configuration import LOOPBACK, WorkerReady


@dataclass(frozen=True)
class WorkerPorts:
    """Addresses of a worker's two sockets as this computer reaches them, and by which route."""

    host: str
    inbox_port: int
    pulse_port: int
    route: Route


def reach_worker(link: PhoneLink, wifi_address: str | None, ready: WorkerReady) -> WorkerPorts:
    """Return the direct way where the phone's address answers, else one through its link.

    Takes as long as a connection may take to come about. Raises `PhoneLostError`.
    """
    if wifi_address is not None and _answers(wifi_address, ready.inbox_port):
        return WorkerPorts(wifi_address, ready.inbox_port, ready.pulse_port, Route.DIRECT)
    inbox_port, pulse_port = link.forward(ready.inbox_port), link.forward(ready.pulse_port)
    return WorkerPorts(LOOPBACK, inbox_port, pulse_port, Route.ADB)


def _answers(address: str, port: int) -> bool:
    try:
        connect_to(address, port).close()
    except OSError:
        return False
    return True
