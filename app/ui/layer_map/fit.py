"""What can run where: phones that cannot work, spans that do not fit, in words and colours."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from app.core.device import DeviceState
from app.core.units import format_bytes
from app.placement.problem import Prediction, StagePrediction
from app.rack.snapshot import PhoneSnapshot
from app.ui.looks.tokens import Tokens
from app.ui.wording import phone_name, state_word

_NAMED = 2
"""How many phones that cannot work are named."""
_COMING_UP = frozenset({DeviceState.FOUND, DeviceState.PREPARING, DeviceState.STANDBY})


def blocked_text(predicted: StagePrediction | None) -> str:
    """Return what a span lacks to fit its phone, empty where it fits."""
    if predicted is None or predicted.fits:
        return ""
    text = QCoreApplication.translate("Map", "needs {size} more")
    return text.format(size=format_bytes(-predicted.headroom_bytes))


def fit_text(prediction: Prediction, unusable: Sequence[PhoneSnapshot]) -> str:
    """Return whether everything fits, and if not, which phones cannot work or what is missing."""
    if unusable:
        return _unusable_text(unusable)
    if prediction.fits:
        return QCoreApplication.translate("Map", "fits")
    missing = sum(-stage.headroom_bytes for stage in prediction.stages if not stage.fits)
    text = QCoreApplication.translate("Map", "does not fit: {size} missing")
    return text.format(size=format_bytes(missing))


def fit_colour(prediction: Prediction, unusable: Sequence[PhoneSnapshot], tokens: Tokens) -> str:
    """Return the colour of `fit_text`: good only for what fits on phones that can work."""
    if unusable and prediction.fits and not any(map(_is_out, unusable)):
        return tokens.warn
    return tokens.bad if unusable or not prediction.fits else tokens.good


def blocked_by(phone: PhoneSnapshot | None) -> str:
    """Return why a phone's bar is blocked whatever its memory; nothing while it comes up."""
    return state_word(phone.state) if phone is not None and _is_out(phone) else ""


def with_state(phone: PhoneSnapshot) -> str:
    """Return a phone's name, with its state where it cannot work now."""
    name = phone_name(phone)
    return name if phone.usable else f"{name} ({state_word(phone.state)})"


def _unusable_text(unusable: Sequence[PhoneSnapshot]) -> str:
    tr = QCoreApplication.translate
    told = ", ".join(map(with_state, unusable[:_NAMED]))
    if len(unusable) > _NAMED:
        more = tr("Map", "{phones} and {count} more")
        told = more.format(phones=told, count=len(unusable) - _NAMED)
    out = any(map(_is_out, unusable))
    words = tr("Map", "cannot run: {phones}") if out else tr("Map", "waits for {phones}")
    return words.format(phones=told)


def _is_out(phone: PhoneSnapshot) -> bool:
    """Whether a phone will not work before something is done about it."""
    return not phone.usable and phone.state not in _COMING_UP
