"""From the map's state to what each bar shows. Qt-free."""

from __future__ import annotations

from app.core.assignment import StageAssignment
from app.core.identifiers import Serial
from app.rack.snapshot import PhoneSnapshot
from app.ui.layer_map.drawing.bar_item import BarContent
from app.ui.layer_map.drawing.geometry import filled_part
from app.ui.layer_map.drawing.hop_item import HopContent
from app.ui.layer_map.state import MapState
from app.ui.looks.marks import Mark, mark_of
from app.ui.looks.tokens import Tokens, phone_colour
from app.words.ages import is_stale
from app.words.fit import blocked_by, blocked_text
from app.words.layer_map import hop_text, hop_time, layers_text, ratio_text, stage_text
from app.words.stage_times import is_slow
from app.words.states import phone_name


def bar_content(
    state: MapState, stage: StageAssignment, tokens: Tokens, carried: Serial | None
) -> BarContent:
    """Return what the bar of one stage shows."""
    phone = state.phones.get(stage.serial)
    predicted = state.predicted(stage.serial)
    measured = state.measured(stage.serial)
    return BarContent(
        serial=stage.serial,
        title=phone_name(phone) if phone else str(stage.serial),
        short_title=str(phone.position) if phone else "?",
        subtitle=layers_text(stage, state.shown.chains),
        below=stage_text(predicted, measured),
        below_short=stage_text(predicted, None),
        explanation=ratio_text(predicted, measured, writes=state.writes),
        below_is_warning=is_slow(predicted, measured),
        blocked=blocked_by(phone) or blocked_text(predicted),
        usable=phone is None or phone.usable,
        colour=_colour(phone, tokens),
        filled=filled_part(stage, state.applied, state.arrived(stage.serial)),
        mark=mark_of(phone) if phone else Mark.LOST,
        fault=phone.fault if phone else None,
        pinned=state.pinned(stage.serial),
        stale=phone is not None and is_stale(phone, state.now_s),
        carried=carried == stage.serial,
    )


def hop_content(state: MapState, index: int) -> HopContent:
    """Return what the way out of one stage shows, the one back to the first included."""
    stages = state.shown.stages
    sender, receiver = stages[index].serial, stages[(index + 1) % len(stages)].serial
    predicted = state.predicted(sender)
    if predicted is None:
        return HopContent("", "", leads_back=False)
    leads_back = index + 1 == len(stages)
    names = [
        phone_name(phone) if phone else "?" for phone in map(state.phones.get, (sender, receiver))
    ]
    words = hop_text(predicted.hop_s, names[0], names[1], leads_back=leads_back)
    return HopContent(hop_time(predicted.hop_s, leads_back=leads_back), words, leads_back)


def _colour(phone: PhoneSnapshot | None, tokens: Tokens) -> str:
    return phone_colour(tokens, phone.position) if phone else tokens.muted
