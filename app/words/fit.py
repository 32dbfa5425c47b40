"""What can run where: phones that cannot work, spans that do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.core.device import DeviceState
from app.core.units import format_bytes
from app.placement.problem import Prediction, StagePrediction
from app.rack.snapshot import PhoneSnapshot
from app.words.catalogue import ntr, tr
from app.words.states import listed, phone_name, stands_by_word, state_word

_NAMED: Final = 2
"""How many phones that cannot work are named."""
_COMING_UP: Final = frozenset({DeviceState.FOUND, DeviceState.PREPARING, DeviceState.STANDBY})


def blocked_text(predicted: StagePrediction | None) -> str:
    """Return what a span lacks to fit its phone, empty where it fits."""
    if predicted is None or predicted.fits:
        return ""
    return tr("needs {size} more").format(size=format_bytes(-predicted.headroom_bytes))


def fit_text(prediction: Prediction, unusable: Sequence[PhoneSnapshot]) -> str:
    """Return whether everything fits, and if not, which phones cannot work or what is missing."""
    if unusable:
        return _unusable_text(unusable)
    if prediction.fits:
        return tr("fits")
    missing = sum(-stage.headroom_bytes for stage in prediction.stages if not stage.fits)
    return tr("does not fit: {size} missing").format(size=format_bytes(missing))


def blocked_by(phone: PhoneSnapshot | None) -> str:
    """Return why a phone's bar is blocked whatever its memory; nothing while it comes up."""
    return state_word(phone.state) if phone is not None and is_out(phone) else ""


def with_state(phone: PhoneSnapshot) -> str:
    """Return a phone's name, with its state where it cannot work now."""
    name = phone_name(phone)
    if phone.usable:
        return name
    return tr("{phone} ({state})").format(phone=name, state=state_word(phone.state))


def stopped_since_planned(phones: Sequence[PhoneSnapshot]) -> str:
    """Return which phones of a compared plan cannot work any more."""
    words = tr("Since this was planned phones have stopped working: {phones}.")
    return words.format(phones=listed(map(with_state, phones)))


def free_phone(phone: PhoneSnapshot, *, stands_by: bool = False) -> str:
    """Return a phone without layers, and that it is free, left out or in what state else."""
    free = stands_by_word() if stands_by else tr("free")
    state = free if phone.usable else state_word(phone.state)
    return tr("{phone}, {state}").format(phone=phone_name(phone), state=state)


def is_out(phone: PhoneSnapshot) -> bool:
    """Whether a phone will not work before something is done about it."""
    return not phone.usable and phone.state not in _COMING_UP


def _unusable_text(unusable: Sequence[PhoneSnapshot]) -> str:
    told = listed(map(with_state, unusable[:_NAMED]))
    more = len(unusable) - _NAMED
    if more > 0:
        words = ntr("{phones} and {count} more", "{phones} and {count} more", more)
        told = words.format(phones=told, count=more)
    out = any(map(is_out, unusable))
    words = tr("cannot run: {phones}") if out else tr("waits for {phones}")
    return words.format(phones=told)


def more_free(count: int) -> str:
    """Return how many phones without layers there are besides those that are shown."""
    return ntr("and {count} more", "and {count} more", count).format(count=count)
