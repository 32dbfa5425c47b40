"""Two experiments side by side, figure by figure."""

from __future__ import annotations

from app.core.units import format_duration
from app.faults.experiments.outcome import ExperimentRecord
from app.words.catalogue import tr
from app.words.experiments.text import verdict_word
from app.words.faults import catcher_word
from app.words.states import credits_words, listed


def compared_rows(first: ExperimentRecord, second: ExperimentRecord) -> list[tuple[str, str, str]]:
    """Return each figure's name with what it is in both."""
    return [
        (name, one, other)
        for (name, one), (_, other) in zip(_figures(first), _figures(second), strict=True)
    ]


def _figures(record: ExperimentRecord) -> list[tuple[str, str]]:
    cheats, rounds = record.cheats, record.faulty
    caught = [each for each in cheats if each.caught_after_s is not None]
    after = [each.caught_after_s for each in caught if each.caught_after_s is not None]
    by = dict.fromkeys(catcher_word(each.caught_by) for each in caught if each.caught_by)
    requests = [one for each in rounds for one in each.requests]
    return [
        (tr("Experiment"), record.experiment.name),
        (tr("Verdict"), verdict_word(record.verdict)),
        (tr("Faults noticed"), f"{len(caught)} / {len(cheats)}"),
        (tr("By"), listed(by)),
        (tr("After, at most"), format_duration(max(after)) if after else ""),
        (tr("Audits until then, at most"), str(max((e.audits_before for e in caught), default=0))),
        (tr("Cost to cheats"), credits_words(sum(each.account.stake_lost for each in cheats))),
        (tr("Honest phones harmed"), str(len(record.harmed))),
        (tr("Tokens lost"), str(sum(each.tokens_lost for each in rounds))),
        (tr("Wrong texts"), str(sum(one.right is False for one in requests))),
        (tr("Failovers"), str(sum(one.failovers for one in requests))),
        (tr("Time"), format_duration(sum(each.took_s for each in rounds))),
    ]
