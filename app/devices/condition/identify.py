"""Which phone this is, and whether a worker can run on it at all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from app.core.facts import Fact
from app.core.identifiers import Serial
from app.devices.adb.link import PhoneLink
from app.devices.errors import PhoneRefusedError

WORKER_ABIS: Final = frozenset({"arm64-v8a", "x86_64"})
"""The processors that the worker's libraries are built for; all phones since about 2016."""
_NARROW_ABIS: Final = frozenset({"armeabi-v7a", "armeabi", "x86"})
_QUESTION: Final = (
    "getprop ro.serialno; getprop ro.product.cpu.abi;"
    " cat /proc/sys/kernel/random/boot_id 2>/dev/null"
)
_BOOT: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Identification:
    """A phone's own name, and what keeps it from working, where anything does."""

    serial: Serial
    obstacle: Fact | None
    boot: str = ""
    """A number drawn when it was started; empty where it does not tell."""


def identify(link: PhoneLink, timeout_s: float) -> Identification:
    """Ask the phone. Raises `PhoneLostError`, or `PhoneRefusedError` where it has no serial."""
    lines = link.shell(_QUESTION, timeout_s).stdout.splitlines()
    serial, abi, boot = (*(line.strip() for line in lines), "", "", "")[:3]
    if not serial:
        raise PhoneRefusedError("phone.serial_untold", transport=link.transport)
    told_boot = boot if _BOOT.fullmatch(boot) else ""
    return Identification(Serial(serial), processor_obstacle(serial, abi), told_boot)


def processor_obstacle(phone: str, abi: str) -> Fact | None:
    """Return why no worker runs on that processor, None where one does."""
    if abi in WORKER_ABIS or not abi:
        return None
    code = "phone.system_of_32_bits" if abi in _NARROW_ABIS else "phone.processor_of_another_kind"
    return Fact(code, phone=phone, abi=abi, supported=tuple(sorted(WORKER_ABIS)))
