"""Where one token came from: who computed for it, how long, what else could stand, who checked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from app.core.audit_outcome import AuditOutcome
from app.core.units import significant
from app.rack.events.request_events import StageAudited, TokenAdded
from app.words.catalogue import tr
from app.words.states import listed


def token_way(
    added: TokenAdded | None, audits: Iterable[StageAudited], names: Mapping[str, str]
) -> str:
    """Return a token's way through the rack, a line each; why nothing is known where it is not."""
    if added is None:
        return tr("How this token was made is not kept any more.")
    lines = [_stages(added, names), _drafts(added), _others(added), _verdicts(audits, names)]
    return "\n".join(line for line in lines if line)


def _stages(added: TokenAdded, names: Mapping[str, str]) -> str:
    times = added.times
    if not times.serials:
        return ""
    pairs = zip(times.serials, times.compute_ms, strict=True)
    way = " → ".join(f"{names.get(each, each)} {significant(ms)} ms" for each, ms in pairs)
    total = significant(sum(times.compute_ms))
    return tr("Computed by {way}; together {total} ms.").format(way=way, total=total)


def _drafts(added: TokenAdded) -> str:
    if not added.times.drafts:
        return ""
    words = tr("The step carried {drafts} guesses, of which {accepted} were right.")
    return words.format(drafts=added.times.drafts, accepted=added.times.accepted)


def _others(added: TokenAdded) -> str:
    others = [each for each in added.alternatives if each.token != added.token]
    if not others:
        return ""
    told = listed(f"“{each.text}” {math.exp(min(each.log_probability, 0)):.1%}" for each in others)
    return tr("Instead there could stand: {others}.").format(others=told)


def _verdicts(audits: Iterable[StageAudited], names: Mapping[str, str]) -> str:
    """Return what audits of the stages showed; the newest of each counts."""
    newest = {each.serial: each for each in audits}
    if not newest:
        return tr("No stage of it was audited by itself.")
    words = {
        AuditOutcome.PASSED: tr("{phone} passed (off by {deviation} of what rounding may do)"),
        AuditOutcome.DEVIATES: tr("{phone} deviates ({deviation} times what rounding may do)"),
        AuditOutcome.FAILED: tr("{phone} failed ({deviation} times what rounding may do)"),
    }
    told = (
        words[each.outcome].format(
            phone=names.get(serial, serial), deviation=significant(each.deviation)
        )
        for serial, each in newest.items()
    )
    return tr("Audits: {outcomes}.").format(outcomes=listed(told))
