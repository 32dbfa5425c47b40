"""What the terminal says of phones and requests, line by line."""

from __future__ import annotations

from app.core.units import format_bytes, format_rate
from app.core.vitals import Charging, Doze, Throttling
from app.ledger.views.snapshot import PhoneStanding
from app.rack.snapshot import PhoneSnapshot, RackSnapshot, RequestSnapshot, Transfer
from app.words.ages import age_text, time_left_text
from app.words.catalogue import tr
from app.words.phones.facts import doze_word, route_word, throttling_word
from app.words.sentences import reason_text
from app.words.states import cargo_word, listed, phase_word, request_state_word


def rack_line(snapshot: RackSnapshot) -> str:
    """Return which rack it is and what it does."""
    phase = phase_word(snapshot.phase).lower()
    return tr("{rack}: {phase}").format(rack=snapshot.rack_name, phase=phase)


def fault_text(phone: PhoneSnapshot) -> str:
    """Return the fault that somebody set on a phone, empty where there is none."""
    return tr("fault {fault}").format(fault=phone.fault) if phone.fault else ""


def transfer_text(transfer: Transfer) -> str:
    """Return what is pushed, how fast and for how long still."""
    parts = [f"{cargo_word(transfer.what)} {format_bytes(transfer.total_bytes)}"]
    if transfer.bytes_per_second is not None:
        parts.append(f"{format_bytes(transfer.bytes_per_second)}/s")
    if transfer.left_s is not None:
        parts.append(tr("{time} left").format(time=time_left_text(transfer.left_s)))
    return listed(parts)


def request_line(request: RequestSnapshot) -> str:
    """Return where a request stands, how fast it writes, and why it does not."""
    rate = format_rate(request.tokens_per_second) if request.tokens_per_second else ""
    parts = (request_state_word(request.state), rate, reason_text(request.state_reason))
    return " ".join(part for part in parts if part)


def phone_remarks(phone: PhoneSnapshot, now_s: float) -> tuple[str, ...]:
    """Return what is to be said of a phone besides its figures, a line each."""
    limits = phone.description.limits if phone.description else ()
    words = tr("Worker reached {route}")
    route = words.format(route=route_word(phone.route)) if phone.route else ""
    lines = (reason_text(phone.state_reason), route, _condition(phone, now_s), *limits)
    return tuple(line for line in lines if line)


def _condition(phone: PhoneSnapshot, now_s: float) -> str:
    """Return what slows the phone by itself, and whether that is old news."""
    vitals = phone.vitals
    if vitals is None:
        return ""
    words = []
    if vitals.throttling not in (None, Throttling.NONE):
        words.append(throttling_word(vitals.throttling))
    if vitals.doze not in (None, Doze.AWAKE):
        words.append(doze_word(vitals.doze))
    if vitals.charging is Charging.DISCHARGING:
        words.append(tr("on battery"))
    if phone.vitals_are_stale(now_s):
        age = age_text(now_s - (phone.vitals_at_s or 0.0))
        words.append(tr("read {age} ago").format(age=age))
    return listed(words)


def audits_text(standing: PhoneStanding) -> str:
    """Return how many audits a phone passed and failed, and how often it deviated."""
    counts = (
        (tr("{count} passed"), standing.audits_passed, True),
        (tr("{count} deviating"), standing.audits_deviating, standing.audits_deviating > 0),
        (tr("{count} failed"), standing.audits_failed, True),
    )
    return listed(words.format(count=count) for words, count, shown in counts if shown)
