"""What connecting says. Plain words for every step and end of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from PySide6.QtCore import QCoreApplication

from app.core.device import DeviceState
from app.rack.pairing import (
    PairedPhone,
    PairingStep,
    PairingWindow,
    Place,
    PlaceKind,
    SeenPhone,
)
from app.rack.snapshot import PhoneSnapshot
from app.ui.wording import phone_name

_GUID_PREFIX = "adb-"


def step_words(step: PairingStep) -> str:
    """Return what a pairing waits for."""
    tr = QCoreApplication.translate
    match step:
        case PairingStep.READING:
            return tr("Connect", "Waiting for a phone to read the code…")
        case PairingStep.AGREEING:
            return tr("Connect", "A phone is there. Pairing…")
        case PairingStep.LOOKING:
            return tr("Connect", "Paired. Looking for the phone on the network…")
        case PairingStep.CONNECTING:
            return tr("Connect", "Paired. Connecting…")
        case _:
            assert_never(step)


def paired_words(phone: PairedPhone) -> str:
    """Return how a pairing ended."""
    tr = QCoreApplication.translate
    if phone.serial is None:
        words = tr(
            "Connect",
            "Paired with {phone}, but not connected yet: {reason}. It joins as soon as it shows"
            " itself on the network.",
        )
        return words.format(phone=plain_name(phone.guid), reason=phone.reason.rstrip("."))
    words = tr("Connect", "{phone} is paired and connected. It joins the rack…")
    return words.format(phone=phone.serial)


def joined_words(phone: PhoneSnapshot) -> str:
    """Return how a phone stands that has just joined."""
    tr, name = QCoreApplication.translate, phone_name(phone)
    if phone.state in (DeviceState.READY, DeviceState.WORKING):
        words = tr("Connect", "{phone} is in the rack and ready. Re-plan gives it layers.")
        return words.format(phone=name)
    if phone.state in (DeviceState.PREPARING, DeviceState.FOUND):
        words = tr("Connect", "{phone} is in the rack. It is being prepared…")
        return words.format(phone=name)
    return phone.state_reason or tr("Connect", "{phone} is in the rack.").format(phone=name)


def seen_words(phones: Sequence[SeenPhone], nothing: str) -> str:
    """Return what was found at a place that was added."""
    tr = QCoreApplication.translate
    if not phones:
        return nothing
    waiting = [phone.reason for phone in phones if phone.reason]
    if waiting:
        return " ".join(waiting)
    if len(phones) == 1:
        return tr("Connect", "{phone} was found. It joins the rack…").format(phone=phones[0].serial)
    words = tr("Connect", "{count} phones were found. They join the rack…")
    return words.format(count=len(phones))


def window_name(window: PairingWindow) -> str:
    """Return what to call a phone that shows a code."""
    return plain_name(window.name)


def plain_name(guid: str) -> str:
    """Return the serial number within a phone's GUID, `adb-SERIAL-LETTERS`, else the GUID."""
    serial = guid.removeprefix(_GUID_PREFIX).rpartition("-")[0]
    return serial if guid.startswith(_GUID_PREFIX) and serial else guid


def place_words(place: Place) -> str:
    """Return what a person added."""
    tr = QCoreApplication.translate
    match place.kind:
        case PlaceKind.ADDRESS:
            return tr("Connect", "The phone at {address}").format(address=place.address)
        case PlaceKind.SERVER:
            return tr("Connect", "The adb server {address}").format(address=place.address)
        case PlaceKind.CABLES:
            return tr("Connect", "The cables of this computer")
        case _:
            assert_never(place.kind)
