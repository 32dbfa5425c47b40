"""What answers of phones come to: receipts that passed by them, and whether they were right.

Runs on the audit thread. A phone's word only ever passes a receipt. Where it does not, and of a
drawn share in any case, the audit is done here as if no phone had been asked, and the answer is
computed again too: that alone speaks against who gave it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path

from app.core.identifiers import Serial
from app.proof.case import Verdict
from app.proof.quick.on_phones import LayerQuestion, PhoneAnswer, is_right, question_of, verdict_by
from app.proof.stage_parts import OpenEngine, open_shard
from app.rack.settlement.audit_cases import case_of, is_auditable
from app.rack.settlement.concluded import ConcludedAttempt, VerifierCheck
from workers.errors import ReportedError

_log = logging.getLogger("shardloom.rack")


@dataclass(frozen=True)
class JudgedAnswers:
    """By stage what needs no audit here any more, and the answers that were computed again."""

    verdicts: Mapping[int, Verdict] = field(default_factory=dict)
    checks: tuple[VerifierCheck, ...] = ()


def stages_to_ask(attempt: ConcludedAttempt) -> list[int]:
    """Return the stages that are due for an audit and can be audited."""
    return [index for index in range(len(attempt.spans)) if is_auditable(attempt, index)]


def asked_of(
    attempt: ConcludedAttempt, index: int, store: Path, open_engine: OpenEngine = open_shard
) -> LayerQuestion | None:
    """Return what a phone can be asked of a stage; None where nothing. Blocking."""
    try:
        return question_of(case_of(attempt, index, store), open_engine)
    except ReportedError as error:
        _log.info("stage %d cannot be asked about: %s", index, error)
        return None


def judged_answers(
    attempt: ConcludedAttempt,
    store: Path,
    answers: Sequence[tuple[int, PhoneAnswer]],
    again: AbstractSet[int],
    open_engine: OpenEngine = open_shard,
) -> JudgedAnswers:
    """Return what the answers come to; those of the stages in `again` are computed here anyhow.

    Nothing stands by the word of a phone of which another answer is wrong.
    """
    verdicts: dict[int, Verdict] = {}
    checks: list[VerifierCheck] = []
    for index, answer in answers:
        case = case_of(attempt, index, store)
        verdict = verdict_by(case, answer, open_engine)
        if verdict is not None and index not in again:
            verdicts[index] = verdict
            continue
        try:
            right = is_right(case, answer, open_engine)
        except ReportedError as error:
            _log.info("an answer of %s is not computed again: %s", answer.serial, error)
            continue
        if right is not None:
            checks.append(VerifierCheck(answer.serial, Serial(case.receipt.serial), index, right))
    wrong = {check.serial for check in checks if not check.right}
    stands = {index: each for index, each in verdicts.items() if each.verifier not in wrong}
    return JudgedAnswers(stands, tuple(checks))
