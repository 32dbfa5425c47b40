"""The two ends of a transaction: announced to the ledger; then receipts, transcripts, checks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from types import MappingProxyType
from typing import Final

from app.core.errors import LedgerError
from app.core.facts import Fact
from app.core.identifiers import Serial, TransactionId
from app.core.model import ModelManifest
from app.ledger.ledger import Ledger
from app.ledger.rules.agreement import Agreement
from app.ledger.rules.evidence import SignedReceipt
from app.ledger.rules.phones.canaries import Excuse
from app.ledger.rules.quotes.quote import PhoneState
from app.pipeline.attempt import Attempt
from app.pipeline.collection import SealedReceipt, sealed_receipt
from app.pipeline.opening_stages.attempt_terms import AttemptTerms
from app.proof.auditors.executor import AuditExecutor, AuditsHere
from app.proof.case import Verdict
from app.proof.records.request_text import RequestText, model_content, sha256_of
from app.proof.records.work_record import WorkRecord, WorkStep
from app.proof.stage_parts import OpenEngine, open_shard
from app.rack.blocking import BlockingPool
from app.rack.layers.quotes import PRICE_PER_TOKEN
from app.rack.layers.spans import Applied, SpanOnPhone
from app.rack.ledger_thread import LedgerThread
from app.rack.phones.phone import Phone
from app.rack.settlement.auditing import audit_attempt, check_attempt
from app.rack.settlement.canaries import excuse_of, record_canaries
from app.rack.settlement.class_reading import ClassReader
from app.rack.settlement.concluded import AttemptOutcome, ConcludedAttempt, with_check
from app.rack.settlement.findings import absent_stages, unsigned_stages
from app.rack.settlement.sharp.close_look import CloseLook
from app.rack.settlement.sharp.sharp_tests import SharpTests
from app.rack.settlement.transcripts import fetch_transcripts
from app.rack.settlement.verifiers.judging import JudgedAnswers
from app.rack.settlement.verifiers.phone_verifiers import PhoneVerifiers
from app.rack.settlement.whole_check import CheckSettings, WholeChecker
from workers.errors import ReceiptError
from workers.identity.choices import NO_CHOICES, choices_root
from workers.identity.digests import shard_digest
from workers.identity.grounds import NO_GROUNDS
from workers.identity.receipts import ReceiptBody, read_receipt
from workers.identity.transcript import step_leaves
from workers.protocol.commands import SignedTerms

NOTHING_BOUGHT: Final[Mapping[Serial, PhoneState]] = MappingProxyType({})
_log = logging.getLogger("shardloom.rack")


@dataclass(frozen=True)
class Examiners:
    """Who looks at what phones did, beside the audits of receipts."""

    checker: WholeChecker | None = None
    """Checks texts as a whole; none are without one."""
    sharp_tests: SharpTests | None = None
    """Runs stages again on their phones; none are without them."""
    auditors: AuditExecutor | None = None
    """Where receipts are audited; in this process without them."""
    class_reader: ClassReader | None = None
    """Tells which classes are reproduced here; each is taken at its word without one."""
    verifiers: PhoneVerifiers | None = None
    """Idle phones that audit; this computer alone does without them."""


NO_EXAMINERS: Final = Examiners()


class Settlement:
    """Opens and concludes transactions. Lives on the service loop."""

    def __init__(
        self,
        ledger_thread: LedgerThread,
        audit_pool: BlockingPool,
        store: Path,
        settings: CheckSettings,
        open_engine: OpenEngine = open_shard,
        examiners: Examiners = NO_EXAMINERS,
    ) -> None:
        """Graphs and weights are in `store`; `open_engine` runs them for audits."""
        self._sharp_tests, self._class_reader = examiners.sharp_tests, examiners.class_reader
        self._verifiers = examiners.verifiers
        self._ledger_thread = ledger_thread
        self._audit_pool = audit_pool
        self._store = store
        self._settings = settings
        self._checker = examiners.checker
        self._open_engine = open_engine
        self._auditors = examiners.auditors or AuditsHere(open_engine)
        self._wrong: set[TransactionId] = set()
        """Whose rows nobody may count on; touched on the audit thread only."""
        self._under_way: dict[TransactionId, asyncio.Event] = {}
        """Checks that have not ended; each is told then."""

    async def begin(
        self,
        transaction: TransactionId,
        asked: RequestText,
        applied: Applied,
        terms: AttemptTerms,
        most_tokens: int,
        states: Mapping[Serial, PhoneState] = NOTHING_BOUGHT,
    ) -> SignedTerms:
        """Journal that a transaction starts; return what its phones are to sign for.

        What `most_tokens` cost goes into escrow. Where `states`, by stage, says how phones are, it
        is bought by their keepers' quotes, if all of them quote; else at the rack's own price.
        """
        if self._class_reader is not None:
            await self._class_reader.read(applied)
        request, model = asked.content(), model_content(applied.model)
        agreement = Agreement(
            request=sha256_of(request),
            model=sha256_of(model),
            shards=tuple(_shard(applied.model, span) for span in applied.spans),
            sampling=terms.sampling,
            alternatives=terms.committed_alternatives,
            boundary=terms.boundary,
            cache=applied.spans[0].shape.cache,
        )

        def open_it(ledger: Ledger) -> SignedTerms:
            for content in (request, model):
                ledger.evidence.put(content)
            fills, stages = ledger.stakes.fills(states), applied.assignment.stages
            asked_price = sum(
                fill.price * stage.layer_count for fill, stage in zip(fills, stages, strict=False)
            )
            return ledger.open_transaction(
                transaction,
                asked.request,
                applied.assignment,
                agreement,
                asked_price if fills else PRICE_PER_TOKEN,
                self._settings.audit_rate,
                most_tokens,
                fills,
            )

        return await self._ledger_thread.run(open_it)

    async def conclude(
        self,
        attempt: Attempt,
        applied: Applied,
        phones: Mapping[Serial, Phone],
        text_s: float,
        stop: Event,
        before_check: Callable[[], Awaitable[None]] | None = None,
    ) -> ConcludedAttempt:
        """Collect receipts, check the text, decide what is audited, fetch what audits need.

        `text_s` is what the text took so far; once `stop` is set it is not checked any further.
        What is to be awaited `before_check` is, once all is signed for and journalled.
        Where a token is wrong all stages are audited: they still have what they computed with.
        """
        absent = absent_stages(attempt, phones)
        receipts = await _receipts(attempt, absent)
        keys = {serial: phones[serial].worker.public_key for serial in receipts}
        await self._check_ahead(receipts, keys)
        excuses = {serial: excuse_of(phones[serial]) for serial in receipts}
        bodies, due, overclaimed = await self._ledger_thread.run(
            lambda ledger: _record(ledger, attempt, receipts, keys, excuses)
        )
        serials = applied.assignment.serials
        classes = await self._ledger_thread.run(
            lambda ledger: {serial: ledger.numerical_class(serial) for serial in serials}
        )
        unsigned = unsigned_stages(attempt, bodies, phones, absent)
        void = dict.fromkeys(receipts.keys() - bodies.keys(), Fact("offence.signed_other_work"))
        concluded = ConcludedAttempt(
            transaction=attempt.transaction,
            model=applied.model,
            spans=applied.spans,
            steps=tuple(attempt.steps),
            answers=tuple(attempt.answers),
            sampling=attempt.terms.sampling,
            boundary=attempt.terms.boundary,
            alternatives=attempt.terms.committed_alternatives,
            bodies=bodies,
            transcripts={},
            due=due,
            withheld={**unsigned, **void, **attempt.offences},
            classes=classes,
            signatures={serial: receipts[serial].signature for serial in bodies},
            keys={serial: keys[serial] for serial in bodies},
            ancestors=attempt.ancestors,
            overclaimed=overclaimed,
            ran_together=attempt.ran_together,
        )
        if before_check is not None:
            await before_check()
        if self._checker is not None:
            whole = await self._checker.check(concluded, applied.model.name, text_s, stop)
            concluded = with_check(concluded, whole)
        return await _with_transcripts(concluded, attempt, applied)

    async def _check_ahead(
        self, receipts: Mapping[Serial, SealedReceipt], keys: Mapping[Serial, bytes]
    ) -> None:
        """Check receipts beside the ledger's thread where many come, before it journals them."""
        checks = self._ledger_thread.receipt_checks
        if checks.are_wanted(len(receipts)):
            await checks.check(
                [
                    SignedReceipt.of(each.data, each.signature, keys[serial])
                    for serial, each in receipts.items()
                ]
            )

    async def check(self, attempt: ConcludedAttempt) -> AttemptOutcome:
        """Audit an attempt on the audit thread.

        Idle phones may do some of it. Stages whose audits do not pass are run again on their
        phones; what that shows counts. What its first rows are of is checked before, as far as that
        has begun: where these are wrong, so may be what came of them.
        """
        ended = self._under_way[attempt.transaction] = asyncio.Event()
        try:
            return await self._checked(attempt)
        finally:
            ended.set()
            del self._under_way[attempt.transaction]

    async def _checked(self, attempt: ConcludedAttempt) -> AttemptOutcome:
        pool, store, tests = self._audit_pool, self._store, self._sharp_tests
        by_phones = JudgedAnswers()
        if self._verifiers is not None:
            by_phones = await self._verifiers.judged(attempt, store, pool, self._open_engine)
        verdicts = await pool.run(audit_attempt, attempt, store, self._auditors, by_phones.verdicts)
        looks = [] if tests is None else await tests.look(attempt, verdicts)
        for under_way in [self._under_way.get(each) for each in attempt.ancestors]:
            if under_way is not None:
                await under_way.wait()
        outcome = await pool.run(self._check, attempt, verdicts, looks)
        return replace(outcome, verifier_checks=by_phones.checks)

    def _check(
        self, attempt: ConcludedAttempt, verdicts: tuple[Verdict, ...], looks: list[CloseLook]
    ) -> AttemptOutcome:
        outcome = check_attempt(
            attempt,
            verdicts,
            looks,
            self._store,
            self._open_engine,
            doubted=not self._wrong.isdisjoint(attempt.ancestors),
        )
        if outcome.in_doubt or outcome.good_answers < len(attempt.answers):
            self._wrong.add(attempt.transaction)
        return outcome


async def _with_transcripts(
    concluded: ConcludedAttempt, attempt: Attempt, applied: Applied
) -> ConcludedAttempt:
    fetched = await fetch_transcripts(attempt, applied, concluded.due, concluded.bodies)
    return replace(
        concluded,
        transcripts=fetched.transcripts,
        grounds=fetched.grounds,
        withheld={**concluded.withheld, **fetched.offences, **attempt.offences},
        refused=fetched.refused,
        gone=fetched.gone,
    )


async def _receipts(attempt: Attempt, absent: Collection[Serial]) -> dict[Serial, SealedReceipt]:
    """Ask every stage for its receipt that is not known to have said what it may not say.

    Those that are `absent` are not asked: nobody would answer.

    Where no step was sent there is nothing to sign for: stages may have begun with other rows.
    """
    if not attempt.began:
        return {}
    sealed = await asyncio.gather(
        *(
            sealed_receipt(stage, attempt.transaction, len(attempt.steps), attempt.completed_steps)
            for stage in attempt.stages
            if stage.serial not in attempt.offences and stage.serial not in absent
        )
    )
    return {receipt.serial: receipt for receipt in sealed if receipt is not None}


def _record(
    ledger: Ledger,
    attempt: Attempt,
    receipts: Mapping[Serial, SealedReceipt],
    keys: Mapping[Serial, bytes],
    excuses: Mapping[Serial, Excuse],
) -> tuple[dict[Serial, ReceiptBody], frozenset[Serial], dict[Serial, int]]:
    """Journal the receipts that hold, and canaries.

    Returns what receipts say, whose are to be audited, and what those pay that claimed too much.
    """
    bodies = {}
    for serial, receipt in receipts.items():
        try:
            body = read_receipt(receipt.data)
            _check_covered(body, attempt)
            ledger.record_receipt(receipt.data, receipt.signature, keys[serial])
        except (LedgerError, ReceiptError) as error:
            _log.warning("a receipt of %s is void: %s", serial, error)
        else:
            bodies[serial] = body
    if bodies:
        record = _work_record(attempt)
        ledger.deals.note_work(attempt.transaction, ledger.evidence.put(record.content()))
    if attempt.answers:
        ledger.deals.commit(attempt.transaction, len(attempt.answers))
    due = ledger.due_stages(attempt.transaction)
    overclaimed = record_canaries(ledger, attempt.transaction, receipts, keys, excuses)
    audited = frozenset(serial for serial, body in bodies.items() if body.stage in due)
    return bodies, audited, overclaimed


def _work_record(attempt: Attempt) -> WorkRecord:
    """Return what was sent to be read, and what came back."""
    answers, steps = iter(attempt.answers), []
    for step in attempt.steps:
        answer = next(answers, None) if step.wants_token else None
        pixels = () if step.pixels is None else step_leaves(step.pixels, step.position)
        leaves = tuple(each.hex() for each in pixels)
        steps.append(WorkStep(step.position, step.tokens, step.wants_token, answer, leaves))
    return WorkRecord(attempt.transaction, tuple(steps))


def _shard(model: ModelManifest, span: SpanOnPhone) -> str:
    return shard_digest(span.shard.graph.sha256, model.weights_of(span.shard.blobs))


def _choices_signed(attempt: Attempt, body: ReceiptBody) -> str:
    """Return the root that a stage signs over what its tokens were to be chosen by."""
    if body.serial != attempt.stages[-1].serial:
        return NO_CHOICES
    return choices_root(step.choice for step in attempt.steps[: body.steps])


def _signs_grounds(attempt: Attempt, body: ReceiptBody) -> bool:
    """Tell whether a receipt has the root over what tokens rest on that its stage must sign.

    Of the last stage what it signs is seen where it is audited.
    """
    if body.serial != attempt.stages[-1].serial:
        return body.grounds == NO_GROUNDS
    return body.grounds is not None


def _check_covered(body: ReceiptBody, attempt: Attempt) -> None:
    """Raise `ReceiptError` unless a receipt is for steps that the host sent, all that came back.

    A stage may not have got the last steps of an attempt that was broken off.
    """
    tokens = sum(len(step.tokens) for step in attempt.steps[: body.steps])
    in_time = attempt.completed_steps <= body.steps <= len(attempt.steps)
    if not in_time or body.tokens != tokens:
        raise ReceiptError("other-steps")
    prefix = attempt.prefix
    begun_with = (prefix.transaction, prefix.rows) if prefix else ("", 0)
    if (body.resumed_from, body.resumed_rows) != begun_with:
        raise ReceiptError("other-rows")
    if body.choices != _choices_signed(attempt, body):
        raise ReceiptError("other-choices")
    if not _signs_grounds(attempt, body):
        raise ReceiptError("other-grounds")
    if body.nonce != attempt.nonces.get(Serial(body.serial), b"").hex():
        raise ReceiptError("other-opening")
