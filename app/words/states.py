"""Words for states, phases, objectives and amounts, in the operator's terms."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from typing import assert_never

from app.core.audit_outcome import CheckMode, DutyOutcome
from app.core.device import DeviceState
from app.core.units import significant
from app.ledger.rules.economy import CREDIT, exact_credits
from app.placement.problem import Objective
from app.placement.rebalancing.setting import Balancing
from app.rack.snapshot import (
    Cargo,
    Phase,
    PhoneSnapshot,
    RackSnapshot,
    RequestSnapshot,
    RequestState,
)
from app.words.catalogue import ntr, tr
from workers.protocol.chain import ChainName

_NAMED = 2
"""How many phones are named before they are counted."""


_SHOWN = 2
"""How many signs of a serial number are shown to an audience."""


class _Stage:
    masked = False


def mask_serials(*, masked: bool) -> None:
    """Hide most of every serial number from now on, or show them whole again."""
    _Stage.masked = masked


def serial_text(serial: str) -> str:
    """Return a serial number as it may be shown now."""
    return f"•••{serial[-_SHOWN:]}" if _Stage.masked else serial


def phone_name(phone: PhoneSnapshot) -> str:
    """Return the name a phone gives itself, or its serial."""
    return phone.description.name if phone.description else serial_text(phone.serial)


def state_word(state: DeviceState) -> str:
    """Return a phone's state in one or two words."""
    match state:
        case DeviceState.FOUND:
            return tr("found")
        case DeviceState.UNAUTHORIZED:
            return tr("not authorised")
        case DeviceState.BUSY:
            return tr("busy elsewhere")
        case DeviceState.UNSUITABLE:
            return tr("wrong CPU")
        case DeviceState.PREPARING:
            return tr("preparing")
        case DeviceState.STANDBY:
            return tr("standby")
        case DeviceState.READY:
            return tr("ready")
        case DeviceState.WORKING:
            return tr("working")
        case DeviceState.JAILED:
            return tr("jailed")
        case DeviceState.LOST:
            return tr("lost")
        case _:
            assert_never(state)


def stands_by_word() -> str:
    """Return what is said of a phone that is kept ready and gets no layers."""
    return tr("stands by")


def chain_word(chain: ChainName) -> str:
    """Return what a chain of blocks is called."""
    match chain:
        case ChainName.ENCODER:
            return tr("encoder")
        case ChainName.DECODER:
            return tr("decoder")
        case _:
            assert_never(chain)


def phase_word(phase: Phase) -> str:
    """Return the rack's phase in one word, as the header shows it."""
    match phase:
        case Phase.STARTING:
            return tr("STARTING")
        case Phase.DEPLOYING:
            return tr("DEPLOYING")
        case Phase.READY:
            return tr("READY")
        case Phase.RUNNING:
            return tr("RUNNING")
        case Phase.DEGRADED:
            return tr("DEGRADED")
        case Phase.FAILED:
            return tr("FAILED")
        case Phase.STOPPED:
            return tr("STOPPED")
        case _:
            assert_never(phase)


def phase_text(snapshot: RackSnapshot) -> str:
    """Return the rack's phase, and why where it is degraded."""
    word = phase_word(snapshot.phase)
    if snapshot.phase is not Phase.DEGRADED:
        return word
    lost = [phone_name(each) for each in snapshot.phones if each.state is DeviceState.LOST]
    if len(lost) > _NAMED:
        words = ntr("{phase}: {count} phone lost", "{phase}: {count} phones lost", len(lost))
        return words.format(phase=word, count=len(lost))
    words = tr("{phase}: {phones} lost")
    return words.format(phase=word, phones=listed(lost)) if lost else word


def listed(names: Iterable[str]) -> str:
    """Return names one after the other."""
    return tr(", ").join(names)


def joined_by_and(parts: Iterable[str]) -> str:
    """Return parts of one sentence of which all are meant."""
    return tr(" and ").join(parts)


def joined_by_or(parts: Iterable[str]) -> str:
    """Return parts of one sentence of which any will do."""
    return tr(" or ").join(parts)


def cargo_word(what: Cargo) -> str:
    """Return what is on its way to a phone."""
    match what:
        case Cargo.WORKER:
            return tr("worker")
        case Cargo.WEIGHTS:
            return tr("weights")
        case _:
            assert_never(what)


def clauses(parts: Iterable[str]) -> str:
    """Return parts of one sentence, as the language in force sets them apart."""
    return tr("; ").join(parts)


def together(*sentences: str) -> str:
    """Return sentences one after the other, as the language in force sets them apart."""
    said = [each for each in sentences if each]
    return reduce(_one_after_the_other, said) if said else ""


def _one_after_the_other(first: str, second: str) -> str:
    return tr("{first} {second}").format(first=first, second=second)


def harmed_word() -> str:
    """Return what is said beside a model that quantisation has clearly harmed."""
    return tr("▲ clearly worse than before quantisation")


def request_word(request: RequestSnapshot) -> str:
    """Return where a request stands; verified is only what was computed again as a whole."""
    if request.state is RequestState.SETTLED and request.verified:
        return tr("verified")
    return request_state_word(request.state)


def request_state_word(state: RequestState) -> str:
    """Return a request's state in a word or two."""
    match state:
        case RequestState.WAITING:
            return tr("waiting")
        case RequestState.PREFILL:
            return tr("reading the prompt")
        case RequestState.DECODING:
            return tr("writing")
        case RequestState.AUDITING:
            return tr("checking")
        case RequestState.RECOVERING:
            return tr("recovering")
        case RequestState.PAUSED:
            return tr("waiting for phones")
        case RequestState.SETTLED:
            return tr("settled")
        case RequestState.CANCELLED:
            return tr("cancelled")
        case RequestState.FAILED:
            return tr("failed")
        case _:
            assert_never(state)


def balancing_word(mode: Balancing) -> str:
    """Return what a setting does."""
    match mode:
        case Balancing.OFF:
            return tr("layers stay")
        case Balancing.ASK:
            return tr("ask first")
        case Balancing.ON:
            return tr("layers move")
        case _:
            assert_never(mode)


def check_word(mode: CheckMode) -> str:
    """Return what a setting does."""
    match mode:
        case CheckMode.OFF:
            return tr("audits alone")
        case CheckMode.AUTO:
            return tr("check every token where cheap")
        case CheckMode.ON:
            return tr("check every token")
        case _:
            assert_never(mode)


def objective_word(objective: Objective) -> str:
    """Return what the planner is asked for."""
    match objective:
        case Objective.LATENCY:
            return tr("Latency")
        case Objective.THROUGHPUT:
            return tr("Throughput")
        case Objective.ENERGY:
            return tr("Energy")
        case Objective.PRICE:
            return tr("Price")
        case _:
            assert_never(objective)


def credits_text(amount: int) -> str:
    """Return micro-credits as credits, such as `500 cr`."""
    credit = amount / CREDIT
    return f"{significant(credit)} cr" if amount % CREDIT else f"{credit:,.0f} cr"


def credits_words(amount: int) -> str:
    """Return micro-credits as credits with all their digits, such as `100.5 credits`."""
    return tr("{amount} credits").format(amount=exact_credits(amount))


def duty_word(outcome: DutyOutcome) -> str:
    """Return why an audit that was due has no verdict, in a word."""
    match outcome:
        case DutyOutcome.REFUSED:
            return tr("refused")
        case DutyOutcome.UNAVAILABLE:
            return tr("unavailable")
        case _:
            assert_never(outcome)


def day_text(wall_ms: int | None) -> str:
    """Return a moment to a minute, today's by the time alone; nothing where there was none."""
    if wall_ms is None:
        return ""
    moment, now = datetime.fromtimestamp(wall_ms / 1000).astimezone(), datetime.now().astimezone()
    return moment.strftime("%H:%M" if moment.date() == now.date() else "%Y-%m-%d %H:%M")


def clock_text(wall_ms: int) -> str:
    """Return a moment as the operator's local time of day."""
    return datetime.fromtimestamp(wall_ms / 1000).astimezone().strftime("%H:%M:%S")
