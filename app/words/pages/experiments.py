"""What the experiments panel says."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.units import format_duration
from app.faults.experiments.outcome import ExperimentRecord, ExperimentVerdict
from app.faults.experiments.plan import Experiment
from app.words.catalogue import ntr, tr
from app.words.experiments.text import plan_line, summary_lines, verdict_word
from app.words.faults import fault_description
from app.words.states import listed

_SIGNS = {
    ExperimentVerdict.AS_EXPECTED: "●",
    ExperimentVerdict.MISSED: "▲",
    ExperimentVerdict.HARM: "✕",
    ExperimentVerdict.DECEIVED: "✕",
    ExperimentVerdict.STOPPED: "○",
}


def plan_text(plan: Experiment) -> str:
    """Return what a plan does, in a few lines."""
    kinds = dict.fromkeys(each.kind for each in plan.faults)
    passes = ntr("{count} pass", "{count} passes", plan.repeat).format(count=plan.repeat)
    before = tr("one without faults before") if plan.control else tr("nothing to compare with")
    limit = tr("at most {time} each").format(time=format_duration(plan.duration_s))
    lines = [fault_description(kind) for kind in kinds]
    return "\n".join((*lines, f"{plan_line(plan)}; {listed((passes, before, limit))}."))


def struck_text(names: Sequence[str], phones: int, *, host: bool) -> str:
    """Return whom a plan would strike; `host` is whether this computer is among it."""
    if not names:
        return tr("Strikes this computer and no phone.")
    words = (
        ntr(
            "Strikes this computer and {count} of {phones} phones: {names}.",
            "Strikes this computer and {count} of {phones} phones: {names}.",
            len(names),
        )
        if host
        else ntr(
            "Strikes {count} of {phones} phones: {names}.",
            "Strikes {count} of {phones} phones: {names}.",
            len(names),
        )
    )
    return words.format(count=len(names), phones=phones, names=listed(names))


def verdict_mark(record: ExperimentRecord) -> str:
    """Return a verdict with its sign."""
    return f"{_SIGNS[record.verdict]} {verdict_word(record.verdict)}"


def caught_count(record: ExperimentRecord) -> str:
    """Return how many of the faults were noticed."""
    caught = sum(each.caught_by is not None for each in record.cheats)
    return f"{caught} / {len(record.cheats)}"


def told_of(record: ExperimentRecord) -> str:
    """Return what an experiment showed, in lines."""
    return "\n".join(summary_lines(record))
