"""What experiments are, do and showed, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, assert_never

from app.core.facts import Fact
from app.core.units import format_duration, significant
from app.faults.experiments.outcome import (
    Account,
    CheatOutcome,
    ExperimentRecord,
    ExperimentVerdict,
    RequestOutcome,
    Round,
)
from app.faults.experiments.phases import ExperimentPhase
from app.faults.experiments.plan import Experiment
from app.faults.experiments.status import ExperimentStatus
from app.faults.specifications import SPECIFICATIONS, Catcher
from app.rack.events.values import UnreadableError, read_as
from app.words.catalogue import Message, message, ntr, tr
from app.words.faults import catcher_word, fault_word, injected_fault
from app.words.sentences import fact_text
from app.words.states import credits_words, joined_by_or, listed

_SHIPPED: Final[Mapping[str, Message]] = {
    "Clock, memory, host": message("Clock, memory, host"),
    "Liar in the middle": message("Liar in the middle"),
    "Lost phone": message("Lost phone"),
    "Rare liar": message("Rare liar"),
}
_TARGETS: Final[Mapping[str, Message]] = {
    "stage:first": message("first stage"),
    "stage:middle": message("middle stage"),
    "stage:last": message("last stage"),
    "all": message("all phones"),
    "host": message("this computer"),
}


def verdict_word(verdict: ExperimentVerdict) -> str:
    """Return a verdict in a word or two."""
    match verdict:
        case ExperimentVerdict.DECEIVED:
            return tr("Deceived")
        case ExperimentVerdict.HARM:
            return tr("Harm done")
        case ExperimentVerdict.MISSED:
            return tr("Missed")
        case ExperimentVerdict.STOPPED:
            return tr("Stopped")
        case ExperimentVerdict.AS_EXPECTED:
            return tr("As expected")
        case _:
            assert_never(verdict)


def verdict_sentence(record: ExperimentRecord) -> str:
    """Return what an experiment showed, in a sentence."""
    match record.verdict:
        case ExperimentVerdict.DECEIVED:
            return tr("A text that stands is not the one that is written without faults.")
        case ExperimentVerdict.HARM:
            return tr("Somebody paid who had done nothing wrong, or a text was not finished.")
        case ExperimentVerdict.MISSED:
            return tr("A fault went unnoticed, or was not noticed as it should have been.")
        case ExperimentVerdict.STOPPED:
            return told(record.stopped) if record.stopped else tr("Nothing was injected.")
        case ExperimentVerdict.AS_EXPECTED:
            return tr("Everything was noticed as it should be; no honest phone lost anything.")
        case verdict:
            assert_never(verdict)


def experiment_phase_word(phase: ExperimentPhase) -> str:
    """Return what an experiment is doing, in a word."""
    match phase:
        case ExperimentPhase.INJECTING:
            return tr("Injecting")
        case ExperimentPhase.RUNNING:
            return tr("Running")
        case ExperimentPhase.RESTORING:
            return tr("Restoring")
        case ExperimentPhase.FINISHED:
            return tr("Finished")
        case _:
            assert_never(phase)


def badge_text(status: ExperimentStatus) -> str:
    """Return what is shown everywhere while an experiment runs."""
    phase = experiment_phase_word(status.phase)
    return tr("EXPERIMENT {name}: {phase}, {round}").format(
        name=plan_name(status.name), phase=phase, round=round_word(status.round, status.repeat)
    )


def round_word(number: int, repeat: int) -> str:
    """Return which pass it is."""
    if number == 0:
        return tr("without faults")
    return tr("pass {number} of {repeat}").format(number=number, repeat=repeat)


def caught_text(cheat: CheatOutcome) -> str:
    """Return by what a fault was noticed, and how soon."""
    if cheat.caught_by is None or cheat.caught_after_s is None:
        return tr("noticed by nobody")
    return ntr(
        "caught by {what} after {time} and {count} audit",
        "caught by {what} after {time} and {count} audits",
        cheat.audits_before,
    ).format(
        what=catcher_word(cheat.caught_by),
        time=format_duration(cheat.caught_after_s),
        count=cheat.audits_before,
    )


def expected_text(cheat: CheatOutcome) -> str:
    """Return who should notice a fault, and how soon."""
    expected = SPECIFICATIONS[cheat.kind]
    by = joined_by_or(catcher_word(each) for each in Catcher if each in expected.caught_by)
    if not expected.within_s:
        return by
    return tr("{who} within {time}").format(who=by, time=format_duration(expected.within_s))


def cost_text(account: Account) -> str:
    """Return what a phone lost and earned."""
    return tr("{lost} lost, {earned} earned").format(
        lost=credits_words(account.stake_lost), earned=credits_words(account.earned)
    )


def reputation_text(account: Account) -> str:
    """Return what a phone's reputation was and is."""
    before, after = significant(account.reputation_before), significant(account.reputation_after)
    return f"{before} → {after}"


def cheat_line(cheat: CheatOutcome) -> str:
    """Return what became of a phone with a fault, in a line."""
    return tr("{phone}, {fault}: {caught}; {cost}.").format(
        phone=cheat.name,
        fault=injected_fault(cheat.fault),
        caught=caught_text(cheat),
        cost=cost_text(cheat.account),
    )


def harm_line(record: ExperimentRecord) -> str:
    """Return which honest phones lost something."""
    names = dict.fromkeys(each.name for each in record.harmed)
    if not names:
        return tr("No honest phone lost anything.")
    return tr("Honest phones that lost something: {phones}.").format(phones=listed(names))


def tokens_line(one: Round) -> str:
    """Return how many tokens were lost in a pass."""
    back = sum(each.taken_back for each in one.requests)
    return tr("{back} tokens taken back, {missing} never came, in {time}.").format(
        back=back, missing=one.tokens_lost - back, time=format_duration(one.took_s)
    )


def right_word(request: RequestOutcome) -> str:
    """Return whether a text is the one without faults."""
    if request.right is None:
        return tr("not compared")
    return tr("right") if request.right else tr("wrong")


def summary_lines(record: ExperimentRecord) -> list[str]:
    """Return an experiment as a person reads it in a terminal."""
    lines = [
        f"{verdict_word(record.verdict)}: {verdict_sentence(record)}",
        *(cheat_line(each) for each in record.cheats),
    ]
    if record.faulty:
        lines += [harm_line(record), *(tokens_line(each) for each in record.faulty)]
    return lines


def plan_line(experiment: Experiment) -> str:
    """Return what an experiment plans, in a line."""
    faults = listed(
        tr("{fault} ({target})").format(
            fault=fault_word(each.kind), target=target_text(each.target)
        )
        for each in experiment.faults
    )
    workload = experiment.workload
    return ntr(
        "{faults}; {streams} text of {tokens} tokens",
        "{faults}; {streams} texts of {tokens} tokens",
        workload.streams,
    ).format(faults=faults, streams=workload.streams, tokens=workload.tokens)


def plan_name(name: str) -> str:
    """Return what an experiment is called; only those that are shipped have names in words."""
    return tr(_SHIPPED[name]) if name in _SHIPPED else name


def target_text(target: str) -> str:
    """Return whom a planned fault strikes, as `PlannedFault` names it."""
    if target in _TARGETS:
        return tr(_TARGETS[target])
    kind, _, which = target.partition(":")
    match kind:
        case "phone":
            return tr("phone {number}").format(number=which)
        case "stage":
            return tr("stage {number}").format(number=which)
        case "share":
            return tr("{percent:.0f} % of the phones").format(percent=float(which) * 100)
        case _:
            return which


def when_text(record: ExperimentRecord) -> str:
    """Return when an experiment began."""
    return datetime.fromtimestamp(record.wall_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def told(fact: str) -> str:
    """Return a fact that was kept as JSON in words; one that nobody knows any more as it is."""
    try:
        return fact_text(read_as(Fact, json.loads(fact)))
    except (ValueError, UnreadableError, KeyError):
        return fact
