"""Asking a phone what it is, in one call of its shell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.core.device import DeviceDescription
from app.core.identifiers import Serial
from app.devices.adb.link import PhoneLink
from app.devices.condition import parsers
from app.devices.errors import PhoneRefusedError

PROBE_TIMEOUT_S: Final = 10.0
_SEPARATOR: Final = "--shardloom--"
_DESCRIPTION: Final = (
    "getprop ro.serialno",
    "getprop ro.product.model",
    "getprop ro.product.manufacturer",
    "getprop ro.product.cpu.abi",
    "getprop ro.build.version.release",
    "getprop ro.shardloom.virtual",
    "getprop ro.shardloom.limits",
    "nproc",
)


def describe(link: PhoneLink) -> DeviceDescription:
    """Return what the phone says of itself. Raises `PhoneRefusedError` where it has no serial."""
    serial, model, manufacturer, abi, release, virtual, limits, cores = _ask(link, _DESCRIPTION)
    if not serial:
        raise PhoneRefusedError("phone.serial_untold", transport=link.transport)
    return DeviceDescription(
        serial=Serial(serial),
        name=model or serial,
        manufacturer=manufacturer,
        abi=abi,
        android_version=release,
        cores=parsers.whole_number(cores, default=1),
        transport=link.transport,
        simulated=virtual == "1",
        limits=tuple(line.strip() for line in limits.split(";") if line.strip()),
    )


def read_serial(link: PhoneLink, timeout_s: float) -> Serial:
    """Return `ro.serialno`: the one name of a phone, however it is reached."""
    serial = link.shell("getprop ro.serialno", timeout_s).stdout.strip()
    if not serial:
        raise PhoneRefusedError("phone.serial_untold", transport=link.transport)
    return Serial(serial)


def wifi_address(link: PhoneLink) -> str | None:
    """Return the phone's IPv4 address on Wi-Fi, None where it has none."""
    return parsers.inet_address(link.shell("ip -4 addr show wlan0", PROBE_TIMEOUT_S).stdout)


def _ask(link: PhoneLink, commands: Sequence[str]) -> list[str]:
    script = f"; echo {_SEPARATOR}; ".join(f"{command} 2>/dev/null" for command in commands)
    answers = link.shell(script, PROBE_TIMEOUT_S).stdout.split(_SEPARATOR)
    if len(answers) != len(commands):
        raise PhoneRefusedError("phone.shell_cut", transport=link.transport)
    return [answer.strip() for answer in answers]
