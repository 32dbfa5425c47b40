"""Which phone this is, and whether a worker can run on it at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.core.identifiers import Serial
from app.devices.adb.link import PhoneLink
from app.devices.errors import PhoneRefusedError

WORKER_ABIS: Final = frozenset({"arm64-v8a", "x86_64"})
"""The processors that the worker's libraries are built for; all phones since about 2016."""
_NARROW_ABIS: Final = frozenset({"armeabi-v7a", "armeabi", "x86"})
_QUESTION: Final = "getprop ro.serialno; getprop ro.product.cpu.abi"


@dataclass(frozen=True)
class Identification:
    """A phone's own name, and what keeps it from working: one line, empty where nothing does."""

    serial: Serial
    obstacle: str


def identify(link: PhoneLink, timeout_s: float) -> Identification:
    """Ask the phone. Raises `PhoneLostError`, or `PhoneRefusedError` where it has no serial."""
    lines = link.shell(_QUESTION, timeout_s).stdout.splitlines()
    serial, abi = (*(line.strip() for line in lines), "", "")[:2]
    if not serial:
        raise PhoneRefusedError("phone.serial_untold", transport=link.transport)
    return Identification(Serial(serial), processor_obstacle(serial, abi))


def processor_obstacle(phone: str, abi: str) -> str:
    """Return why no worker runs on that processor, nothing where one does."""
    if abi in WORKER_ABIS or not abi:
        return ""
    kind = "32-bit system" if abi in _NARROW_ABIS else "processor"
    return (
        f"{phone} cannot work: its {kind} ({abi}) is none that ONNX Runtime and Python are built "
        f"for here ({' and '.join(sorted(WORKER_ABIS))})."
    )
