"""A phone in the two lines of a list: how it is, and how it stands with the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.core.device import MEMORY_SHARE
from app.core.units import format_bytes
from app.core.vitals import DeviceVitals
from app.faults.catalogue import FaultKind
from app.ledger.views.snapshot import PhoneStanding
from app.rack.snapshot import PhoneSnapshot, Transfer
from app.words.ages import age_text, is_stale, time_left_text
from app.words.catalogue import ntr, tr
from app.words.faults import fault_word
from app.words.phones.facts import SLOWED, throttling_word
from app.words.phones.filter import selected_text
from app.words.sentences import fact_text, reason_text
from app.words.states import (
    cargo_word,
    credits_text,
    phone_name,
    serial_text,
    stands_by_word,
    state_word,
)


def spoken_row(phone: PhoneSnapshot, *, stands_by: bool = False) -> str:
    """Return what a screen reader says of a phone."""
    state = stands_by_word() if stands_by else state_word(phone.state)
    return tr("{phone}, {state}").format(phone=phone_name(phone), state=state)


def details(phone: PhoneSnapshot) -> str:
    """Return who made a phone, how it is reached and what holds it back, line by line."""
    description = phone.description
    lines = [f"{phone_name(phone)} · {serial_text(phone.serial)}"]
    if description:
        lines.append(
            f"{description.manufacturer} · Android {description.android_version} · "
            f"{description.abi} · {description.transport}"
        )
        lines.extend(description.limits)
    if phone.state_reason:
        lines.append(fact_text(phone.state_reason))
    return "\n".join(lines)


def vitals_text(phone: PhoneSnapshot, now_s: float) -> str:
    """Return battery, warmth and load, or why they are not known."""
    if phone.transfer:
        return transfer_text(phone.transfer)
    if is_stale(phone, now_s) and phone.telemetry:
        age = age_text(now_s - phone.telemetry.heard_at_s)
        return tr("no news for {age}").format(age=age)
    if phone.vitals is None:
        return reason_text(phone.state_reason)
    if phone.vitals_at_s is not None and phone.vitals_are_stale(now_s):
        age = age_text(now_s - phone.vitals_at_s)
        return tr("last read {age} ago").format(age=age)
    return "   ".join(_vital_parts(phone.vitals))


def transfer_text(transfer: Transfer) -> str:
    """Return how far a transfer is, and how fast and how long still once that is known."""
    done, total = transfer.done_bytes, transfer.total_bytes
    if transfer.bytes_per_second is None or transfer.left_s is None:
        return f"{cargo_word(transfer.what)}: {format_bytes(done)} / {format_bytes(total)}"
    return tr("{what} {share:.0%}, {rate}/s, {time} left").format(
        what=cargo_word(transfer.what),
        share=done / max(total, 1),
        rate=format_bytes(transfer.bytes_per_second),
        time=time_left_text(transfer.left_s),
    )


def standing_explained(standing: PhoneStanding) -> str:
    """Return what reputation and stake mean, with the phone's own figures."""
    words = ntr(
        "R {reputation:.2f}: reputation. At least this share of the phone's work is honest, judged "
        "cautiously by {passed} passed, {deviating} deviating and {failed} failed audit; a new "
        "phone starts low.\n"
        "S {stake}: stake. It is play money that the phone loses when an audit proves it wrong.",
        "R {reputation:.2f}: reputation. At least this share of the phone's work is honest, judged "
        "cautiously by {passed} passed, {deviating} deviating and {failed} failed audits; a new "
        "phone starts low.\n"
        "S {stake}: stake. It is play money that the phone loses when an audit proves it wrong.",
        standing.audits_failed,
    )
    return words.format(
        reputation=standing.reputation,
        passed=standing.audits_passed,
        deviating=standing.audits_deviating,
        failed=standing.audits_failed,
        stake=credits_text(standing.stake),
    )


def standing_text(phone: PhoneSnapshot) -> str:
    """Return reputation and stake."""
    if phone.standing is None:
        return ""
    return f"R {phone.standing.reputation:.2f}   S {credits_text(phone.standing.stake)}"


def card_text(phone: PhoneSnapshot, layers: str, tags: Sequence[str]) -> str:
    """Return which layers a phone holds, how much memory is free, and what it is called."""
    parts = [layers] if layers else []
    if phone.vitals is not None:
        free = format_bytes(phone.vitals.memory_available_bytes)
        parts.append(tr("{size} free").format(size=free))
    parts.extend(f"#{tag}" for tag in tags)
    return " · ".join(parts)


def fault_badge(fault: str) -> str:
    """Return what stands at a phone that a fault such as `slow@5` was injected into."""
    return tr("FAULT {fault}").format(fault=fault_word(FaultKind(fault.partition("@")[0])))


def stake_question(phone: PhoneSnapshot) -> str:
    """Return what is asked before stake is added."""
    words = tr("Credits from your account to the stake of {phone}:")
    return words.format(phone=phone_name(phone))


def memory_question(phones: Sequence[PhoneSnapshot]) -> str:
    """Return what is asked before layers get more of a phone's memory, or less."""
    named = phone_name(phones[0]) if len(phones) == 1 else selected_text(len(phones))
    words = tr(
        "{phones}: percent of the available memory that layers may take, from the next plan on."
        " More than {usual:.0%} is at your own risk."
    )
    return words.format(phones=named, usual=MEMORY_SHARE)


def _vital_parts(vitals: DeviceVitals) -> Iterator[str]:
    if vitals.battery_percent is not None:
        yield f"{vitals.battery_percent}%"
    if vitals.temperature_celsius is not None:
        yield f"{vitals.temperature_celsius:.0f} °C"
    if vitals.throttling in SLOWED:
        yield throttling_word(vitals.throttling)
    elif vitals.processor_load is not None:
        yield tr("CPU {share:.0%}").format(share=vitals.processor_load)
    else:
        yield format_bytes(vitals.memory_total_bytes)
