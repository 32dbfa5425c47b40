"""Whom a rack asks to audit, what it makes of the answers, and whom it leaves alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.core.audit_outcome import AuditOutcome, CheckMode
from app.core.device import DeviceState
from app.core.errors import PhoneLostError, ShardloomError, WorkerError
from app.core.identifiers import Serial, TransactionId
from app.core.model import Blob
from app.models.library import Library
from app.rack.blocking import BlockingPool
from app.rack.layers.spans import SpanLoader
from app.rack.ledger_thread import LedgerThread
from app.rack.phones.fleet import Fleet
from app.rack.phones.phone import Phone
from app.rack.settlement.auditing import audit_attempt, check_attempt
from app.rack.settlement.concluded import ConcludedAttempt
from app.rack.settlement.penalties import Penalties
from app.rack.settlement.verifiers.judging import JudgedAnswers
from app.rack.settlement.verifiers.phone_verifiers import PhoneVerifiers
from app.rack.settlement.whole_check import CheckSettings
from tests.assignments import blocks
from tests.unit.ledger.support import Bench, SigningPhone
from tests.unit.models.support import write_random
from tests.unit.proof.support import SPANS, cut, run_ring
from tests.unit.rack.support import OnThisThread, a_context, a_phone
from tests.unit.rack.test_other_processor_audit import ELSEWHERE, TOKENS, Subject, attempt_of
from workers.engine.engine import ShardEngine
from workers.protocol.commands import Done, Load, Loaded, Unload
from workers.protocol.message import Reply
from workers.protocol.replay_commands import Recompute, RowsRecomputed

NEVER, ALWAYS = bytes([255]) * 8, bytes(8)
"""Chance that no answer is computed again by, and that each is."""


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    folder = tmp_path_factory.mktemp("model")
    library = Library(folder / "home")
    manifest = library.import_folder(write_random(folder / "checkpoint"), "tiny")
    shards = tuple(library.shard(manifest, blocks(manifest, *span)) for span in SPANS)
    return Subject(cut(library, manifest, SPANS), shards, library.store.folder)


class IdleWorker:
    """Does what it is told with a phone's own engine; `lies` says of which spans it does not."""

    def __init__(self, store: Path, error: ShardloomError | None = None) -> None:
        self.lost, self.error, self.asked = False, error, 0
        self.lies: frozenset[int] = frozenset()
        self._store = store
        self._spans: dict[str, ShardEngine] = {}

    async def call(self, command: object, _limit_s: float) -> Reply:
        match command:
            case Load(span, graph, _blobs, threads, shape):
                self.asked += 1
                if isinstance(self.error, WorkerError):
                    raise self.error
                self._spans[span] = ShardEngine(self._store / graph, shape, threads)
                if self.error is not None:
                    raise self.error
                return Loaded(1.0, 1, 1)
            case Recompute(span, position, (rows,)):
                engine = self._spans[span]
                false = engine.shape.blocks.first in self.lies
                return RowsRecomputed((engine.run(0, position, rows) * (-1 if false else 1),))
            case Unload(span):
                if self._spans.pop(span, None) is None:
                    raise WorkerError("worker.refused_silently", phone="phone-9")
                return Done()
        raise AssertionError(command)

    @property
    def holds_nothing(self) -> bool:
        return not self._spans


class Scene:
    """A ledger that a text is signed for in, an idle phone, and who asks it."""

    def __init__(
        self,
        folder: Path,
        subject: Subject,
        chance: bytes,
        worker: IdleWorker | None = None,
        *,
        on: bool = True,
        private: bool = False,
        busy: bool = False,
    ) -> None:
        self.subject, self.worker = subject, worker or IdleWorker(subject.store)
        self.bench = Bench(folder)
        self.bench.register()
        idle = SigningPhone("phone-9")
        self.bench.ledger.register_phone(idle.serial, self.bench.proven(idle), "class")
        self.bench.ledger.grant_stake(idle.serial)
        self.bench.begin("transaction")
        self.bench.sign_all("transaction")
        self.attempt = attempt_of(subject, run_ring(subject.ring, TOKENS), ELSEWHERE)
        phone = a_phone(idle.serial, state=DeviceState.READY, client=self.worker)
        self.phones = {phone.serial: phone}
        for each in self.bench.phones:
            self.phones[each.serial] = a_phone(each.serial, state=DeviceState.READY)
        usable = [phone]
        self.fleet = cast(
            Fleet,
            SimpleNamespace(
                usable=usable, phones=self.phones, name_of=lambda serial: f"the {serial}"
            ),
        )
        self.stored: list[Blob] = []
        self.thread = cast(LedgerThread, OnThisThread(self.bench.ledger))
        self.context = replace(a_context(), random_bytes=lambda _count: chance)
        self.verifiers = PhoneVerifiers(
            self.context,
            self.thread,
            self.fleet,
            cast(SpanLoader, SimpleNamespace(store=self._store)),
            CheckSettings(1.0, CheckMode.OFF, on),
            lambda: {phone.serial} if busy else set(),
            lambda: private,
        )

    async def _store(self, _phone: Phone, wanted: tuple[Blob, ...], _cancelled: Event) -> None:
        self.stored += wanted

    def judged(self, attempt: ConcludedAttempt | None = None) -> JudgedAnswers:
        pool = cast(BlockingPool, SimpleNamespace(run=_at_once))
        working = self.verifiers.judged(attempt or self.attempt, self.subject.store, pool)
        return asyncio.run(working)


async def _at_once(function: Any, *given: Any) -> Any:  # noqa: ANN401 - whatever is to be run
    return function(*given)


def test_an_idle_phone_audits_every_stage_and_keeps_nothing(
    tmp_path: Path, subject: Subject
) -> None:
    scene = Scene(tmp_path, subject, NEVER)
    found = scene.judged()
    assert {index: each.verifier for index, each in found.verdicts.items()} == {
        0: "phone-9",
        1: "phone-9",
        2: "phone-9",
    }
    assert all(each.passed for each in found.verdicts.values())
    assert (found.checks, scene.worker.holds_nothing) == ((), True)
    heads = {part.graph.sha256 for part in subject.shards[2].parts if part.has_head}
    assert heads.isdisjoint(blob.sha256 for blob in scene.stored)


@pytest.mark.parametrize("why", ["off", "private", "busy"])
def test_nobody_is_asked_where_nobody_may_be(tmp_path: Path, subject: Subject, why: str) -> None:
    off, private, busy = (why == each for each in ("off", "private", "busy"))
    scene = Scene(tmp_path, subject, NEVER, on=not off, private=private, busy=busy)
    assert scene.judged() == JudgedAnswers()
    assert scene.worker.asked == 0


def test_an_answer_that_is_computed_again_is_put_on_record_and_the_audit_done_here(
    tmp_path: Path, subject: Subject
) -> None:
    scene = Scene(tmp_path, subject, ALWAYS)
    found = scene.judged()
    assert not found.verdicts
    assert [check.right for check in found.checks] == [True] * 3


def test_of_a_phone_that_answers_falsely_once_nothing_stands(
    tmp_path: Path, subject: Subject
) -> None:
    scene = Scene(tmp_path, subject, NEVER)
    scene.worker.lies = frozenset({2})
    found = scene.judged()
    assert not found.verdicts
    assert [(check.stage, check.right) for check in found.checks] == [(1, False)]


def test_a_lying_verifier_loses_reputation_and_nobody_else_anything(
    tmp_path: Path, subject: Subject
) -> None:
    scene = Scene(tmp_path, subject, NEVER)
    scene.worker.lies = frozenset({0, 2, 3})
    ledger, store = scene.bench.ledger, subject.store
    serials = [Serial(each.serial) for each in scene.bench.phones]
    before = {serial: ledger.standing(serial) for serial in (*serials, Serial("phone-9"))}
    found = scene.judged()
    verdicts = audit_attempt(scene.attempt, store, None, found.verdicts)
    outcome = check_attempt(scene.attempt, verdicts, [], store)
    assert (outcome.findings, outcome.good_answers) == ((), TOKENS)
    outcome = replace(outcome, verifier_checks=found.checks)
    penalties = Penalties(scene.context, scene.thread, scene.fleet)
    asyncio.run(penalties.judge(outcome, TOKENS, TOKENS))
    for serial in serials:
        after = ledger.standing(serial)
        assert after.reputation >= before[serial].reputation
        assert (after.slashed, after.audits_failed, after.jailed_until_ms) == (0, 0, None)
    liar = ledger.standing(Serial("phone-9"))
    assert liar.reputation < before[Serial("phone-9")].reputation
    assert liar.slashed == 0
    codes = [event.fact.code for event in scene.context.timeline.events]
    assert codes.count("audit.verifier_wrong") == 3
    assert not ledger.trust.verifiers(TransactionId("transaction"), 0, [Serial("phone-9")])


def test_who_does_not_answer_is_left_alone_and_the_audit_is_done_here(
    tmp_path: Path, subject: Subject
) -> None:
    for error in (PhoneLostError("phone.lost"), WorkerError("worker.cannot_be_asked")):
        folder = tmp_path / type(error).__name__
        folder.mkdir()
        scene = Scene(folder, subject, NEVER, IdleWorker(subject.store, error))
        assert scene.judged() == JudgedAnswers()
        assert (scene.worker.asked, scene.worker.holds_nothing) == (1, True)


def test_what_is_taken_at_a_phones_word_is_not_called_verified(
    tmp_path: Path, subject: Subject
) -> None:
    scene = Scene(tmp_path, subject, NEVER)
    verdicts = audit_attempt(scene.attempt, subject.store, None, scene.judged().verdicts)
    assert [each.outcome for each in verdicts] == [AuditOutcome.PASSED] * 3
    coverage = check_attempt(scene.attempt, verdicts, [], subject.store).coverage
    assert (coverage.audited_stages, coverage.verified_answers) == (3, 0)


def test_a_verdict_by_a_phone_that_may_not_audit_any_more_leaves_no_duty_open(
    tmp_path: Path, subject: Subject
) -> None:
    scene = Scene(tmp_path, subject, NEVER)
    ledger, name = scene.bench.ledger, TransactionId("transaction")
    verdicts = audit_attempt(scene.attempt, subject.store, None, scene.judged().verdicts)
    ledger.trust.note_answer(name, 0, Serial("phone-9"), right=False)
    outcome = check_attempt(scene.attempt, verdicts, [], subject.store)
    penalties = Penalties(scene.context, scene.thread, scene.fleet)
    asyncio.run(penalties.judge(outcome, TOKENS, TOKENS))
    record = ledger._state.transaction(name)
    assert (set(record.verdicts), set(record.not_audited)) == (set(), {0, 1, 2})
