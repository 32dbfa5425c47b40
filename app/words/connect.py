"""What connecting says. Plain words for every step and end of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from app.core.device import DeviceState
from app.core.facts import Fact
from app.rack.pairing import (
    PairedPhone,
    PairingStep,
    PairingWindow,
    Place,
    PlaceKind,
    SeenPhone,
)
from app.rack.snapshot import PhoneSnapshot
from app.words.catalogue import ntr, tr
from app.words.sentences import fact_text, facts_text, reason_text
from app.words.states import phone_name

_GUID_PREFIX = "adb-"


def step_words(step: PairingStep) -> str:
    """Return what a pairing waits for."""
    match step:
        case PairingStep.READING:
            return tr("Waiting for a phone to read the code…")
        case PairingStep.AGREEING:
            return tr("A phone is there. Pairing…")
        case PairingStep.LOOKING:
            return tr("Paired. Looking for the phone on the network…")
        case PairingStep.CONNECTING:
            return tr("Paired. Connecting…")
        case _:
            assert_never(step)


def paired_words(phone: PairedPhone) -> str:
    """Return how a pairing ended."""
    if phone.serial is None:
        reason = phone.reason or ""
        return fact_text(
            Fact("pairing.not_connected_yet", phone=plain_name(phone.guid), reason=reason)
        )
    words = tr("{phone} is paired and connected. It joins the rack…")
    return words.format(phone=phone.serial)


def joined_words(phone: PhoneSnapshot) -> str:
    """Return how a phone stands that has just joined."""
    name = phone_name(phone)
    if phone.state in (DeviceState.READY, DeviceState.WORKING):
        words = tr("{phone} is in the rack and ready. Re-plan gives it layers.")
        return words.format(phone=name)
    if phone.state in (DeviceState.PREPARING, DeviceState.FOUND):
        words = tr("{phone} is in the rack. It is being prepared…")
        return words.format(phone=name)
    return reason_text(phone.state_reason) or tr("{phone} is in the rack.").format(phone=name)


def seen_words(phones: Sequence[SeenPhone], nothing: str) -> str:
    """Return what was found at a place that was added."""
    if not phones:
        return nothing
    waiting = [phone.reason for phone in phones if phone.reason]
    if waiting:
        return facts_text(waiting)
    if len(phones) == 1:
        return tr("{phone} was found. It joins the rack…").format(phone=phones[0].serial)
    words = ntr(
        "{count} phone was found. It joins the rack…",
        "{count} phones were found. They join the rack…",
        len(phones),
    )
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
    match place.kind:
        case PlaceKind.ADDRESS:
            return tr("The phone at {address}").format(address=place.address)
        case PlaceKind.SERVER:
            return tr("The adb server {address}").format(address=place.address)
        case PlaceKind.CABLES:
            return tr("The cables of this computer")
        case _:
            assert_never(place.kind)
