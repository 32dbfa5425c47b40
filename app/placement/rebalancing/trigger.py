"""When to plan anew: a pure function from what was believed and what is read to what is due.

Three things keep layers from swinging to and fro. A phone is believed to be slower or faster only
once every reading has said so for a while; what counts is the gap to what is believed, not to the
profile, so that a gap leads to one plan and not to one a second. A phone that was left for being
slow is tried again only after a time that grows with each disappointment. And between two moves a
time passes that doubles with each move of the last ten minutes, whatever is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from app.core.identifiers import Serial
from app.placement.rebalancing.beliefs import Beliefs, Presence, SlownessBelief, Warmth
from app.placement.rebalancing.readings import (
    BodyLimits,
    Cause,
    CauseKind,
    PhoneReading,
    Reading,
    StageReading,
)

GAP: Final = 1.3
"""How many times slower or faster than believed a phone is before that counts."""
SUSTAINED_S: Final = 4.0
LEAST_STEPS: Final = 8
REST_S: Final = 120.0
"""How long a phone that was found slow, and holds no layers since, is not tried again at first."""
REST_GROWTH: Final = 4
"""How many times longer than before, each time it was found slow again."""
STEADY_S: Final = 3.0
"""How long a phone that came must have been there, the first time."""
HORIZON_S: Final = 60.0
"""A phone that will be hot within so long is spared now: a move takes its time too."""
NEARLY_CELSIUS: Final = 4.0
"""But only so near the limit: a cool phone that begins to work warms up steeply at first."""
DWELL_S: Final = 5.0
"""How long layers stay after a move, the first time."""
WINDOW_S: Final = 600.0
_MOST_DOUBLINGS: Final = 16


def look(beliefs: Beliefs, reading: Reading) -> tuple[Beliefs, tuple[Cause, ...]]:
    """Return what is believed now, and for what to plan anew; nothing while layers have to stay."""
    paces, of_pace = _weigh_stages(beliefs, reading)
    presences, of_presence = _weigh_presence(beliefs, reading)
    warmths, spared, of_condition = _weigh_condition(beliefs, reading)
    causes = _one_each((*beliefs.due, *of_pace, *of_presence, *of_condition))
    now = replace(
        beliefs,
        paces=paces,
        presences=presences,
        warmths=warmths,
        spared=spared,
        moves_s=tuple(at_s for at_s in beliefs.moves_s if reading.at_s - at_s < WINDOW_S),
        due=causes,
        began=True,
    )
    if not causes or not _may_move(now, reading.at_s):
        return now, ()
    return replace(now, due=()), causes


def _may_move(beliefs: Beliefs, at_s: float) -> bool:
    moves = beliefs.moves_s
    return not moves or at_s - moves[-1] >= DWELL_S * _doubled(len(moves) - 1)


def _doubled(times: int) -> int:
    return 1 << _few(times)


def _few(times: int) -> int:
    """Return a power that leaves a time finite."""
    return min(max(times, 0), _MOST_DOUBLINGS)


def _one_each(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """Return the newest cause of each phone."""
    return tuple({cause.serial: cause for cause in causes}.values())


def _weigh_stages(
    beliefs: Beliefs, reading: Reading
) -> tuple[dict[Serial, SlownessBelief], list[Cause]]:
    paces, causes = dict(beliefs.paces), []
    for stage in reading.stages:
        if stage.steps < LEAST_STEPS or stage.expected_s <= 0 or stage.measured_s <= 0:
            continue
        before = paces.get(stage.serial, SlownessBelief())
        pace = _weigh_stage(before, stage, reading.at_s)
        if pace.factor != before.factor:
            kind = CauseKind.SLOWER if pace.factor > before.factor else CauseKind.FASTER
            causes.append(Cause(kind, stage.serial, pace.factor))
        paces[stage.serial] = pace
    here = {phone.serial for phone in reading.phones if not phone.works}
    for serial in here & paces.keys():
        pace = paces[serial]
        rested_s = reading.at_s - pace.measured_at_s
        if pace.factor > GAP and rested_s >= REST_S * REST_GROWTH ** _few(pace.times_slow - 1):
            paces[serial] = replace(pace, factor=1.0)
            causes.append(Cause(CauseKind.RESTED, serial, rested_s))
    return paces, causes


def _weigh_stage(pace: SlownessBelief, stage: StageReading, at_s: float) -> SlownessBelief:
    ratio = stage.factor / pace.factor
    if 1 / GAP <= ratio <= GAP:
        return replace(pace, doubted_since_s=None, measured_at_s=at_s)
    since_s = pace.doubted_since_s if pace.doubted_since_s is not None else at_s
    if at_s - since_s < SUSTAINED_S:
        return replace(pace, doubted_since_s=since_s, measured_at_s=at_s)
    least = min(pace.least, stage.factor)
    return SlownessBelief(stage.factor, None, at_s, least, pace.times_slow + (ratio > 1))


def _weigh_presence(
    beliefs: Beliefs, reading: Reading
) -> tuple[dict[Serial, Presence], list[Cause]]:
    """Note who came; those who were there at the first look were planned with already."""
    presences, causes = dict(beliefs.presences), []
    for phone in reading.phones:
        before = presences.get(phone.serial)
        presence = _presence(phone, before, began=beliefs.began)
        steady_s = STEADY_S * _doubled(presence.returns - 1)
        if not presence.considered and reading.at_s - presence.ready_since_s >= steady_s:
            presence = replace(presence, considered=True)
            if not phone.works:
                causes.append(Cause(CauseKind.JOINED, phone.serial))
        presences[phone.serial] = presence
    return presences, causes


def _presence(phone: PhoneReading, before: Presence | None, *, began: bool) -> Presence:
    if before is None:
        return Presence(phone.ready_since_s, considered=not began)
    if before.ready_since_s == phone.ready_since_s:
        return before
    stayed_s = phone.ready_since_s - before.ready_since_s
    returns = 1 if stayed_s > WINDOW_S else before.returns + 1
    return Presence(phone.ready_since_s, returns)


def _weigh_condition(
    beliefs: Beliefs, reading: Reading
) -> tuple[dict[Serial, Warmth], dict[Serial, CauseKind], list[Cause]]:
    """Note how warm phones are, who is spared from now on and who is no more."""
    warmths, spared, causes = dict(beliefs.warmths), dict(beliefs.spared), []
    for phone in reading.phones:
        if phone.celsius is not None:
            known = warmths.get(phone.serial, Warmth())
            warmths[phone.serial] = known.then(reading.at_s, phone.celsius)
        why, limits = spared.get(phone.serial), reading.limits
        if why is not None:
            cause = _well_again(phone, why, limits)
        else:
            cause = _unwell(phone, limits) or _heating(phone, warmths, reading)
        if cause is not None:
            causes.append(cause)
            if why is None:
                spared[phone.serial] = cause.kind
            else:
                del spared[phone.serial]
    return warmths, spared, causes


def _unwell(phone: PhoneReading, limits: BodyLimits) -> Cause | None:
    celsius, percent = phone.celsius, phone.battery_percent
    if phone.throttled or (celsius is not None and celsius >= limits.hot_celsius):
        return Cause(CauseKind.HOT, phone.serial, celsius or limits.hot_celsius)
    if phone.draining and percent is not None and percent <= limits.low_percent:
        return Cause(CauseKind.LOW, phone.serial, percent)
    return None


def _heating(
    phone: PhoneReading, warmths: Mapping[Serial, Warmth], reading: Reading
) -> Cause | None:
    """Return that a phone at work will soon be hot, by the course of its last readings."""
    celsius, limit = phone.celsius, reading.limits.hot_celsius
    if not phone.works or celsius is None or celsius < limit - NEARLY_CELSIUS:
        return None
    soon = warmths[phone.serial].expected_at(reading.at_s + HORIZON_S)
    hot = soon is not None and soon >= limit
    return Cause(CauseKind.HEATING, phone.serial, celsius) if hot else None


def _well_again(phone: PhoneReading, why: CauseKind, limits: BodyLimits) -> Cause | None:
    """Return that a phone is well; between the two limits it is as it was."""
    celsius, percent = phone.celsius, phone.battery_percent
    if why in {CauseKind.HOT, CauseKind.HEATING}:
        cool = not phone.throttled and (celsius is None or celsius <= limits.cool_celsius)
        return Cause(CauseKind.COOLED, phone.serial, celsius or 0.0) if cool else None
    enough = not phone.draining or percent is None or percent >= limits.enough_percent
    return Cause(CauseKind.CHARGED, phone.serial, percent or 0) if enough else None
