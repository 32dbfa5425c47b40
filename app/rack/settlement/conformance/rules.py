"""What each rule of the standard asks of a phone; one that is broken raises `ShardloomError`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import numpy as np

from app.core.errors import WorkerError
from app.core.standard.rules import RuleName
from app.ledger.views.reasons import reason_named
from app.pipeline.ring_messages import StepAnswer
from app.proof.audit import audit
from app.proof.case import AuditCase, AuditStep
from app.proof.sharp.classes import is_canary_of
from app.proof.stage_parts import StagePart, part_shape
from app.rack.settlement.conformance.bench import (
    CANARY_TOKENS,
    CanaryPart,
    CanaryTransaction,
    PhoneBench,
    RuleBrokenError,
)
from workers.engine.processor import numerical_class
from workers.errors import ReceiptError
from workers.identity.answer_leaf import answer_leaf
from workers.identity.receipts import ReceiptBody, verify_receipt
from workers.protocol.boundary import Boundary
from workers.protocol.commands import (
    Load,
    Measure,
    Ping,
    Resumption,
    Seal,
    ShowTranscript,
    Steer,
)
from workers.protocol.message import ReplyType, WorkerCommand
from workers.protocol.replay_commands import ShowCanary, ShowGrounds
from workers.protocol.sampling_rule import Added, Choice, SamplingRule, Steering
from workers.protocol.wire import Tensor

RuleCheck = Callable[[PhoneBench], Awaitable[None]]
MEASURE_LIMIT_S: Final = 30.0
_ECHO_BYTES: Final = 4_096
_NOWHERE: Final = "0" * 64
_FAR_MORE: Final = 1e5
"""What makes any token the likeliest."""


async def _identity(bench: PhoneBench) -> None:
    hello = bench.hello()
    told = await bench.client.call(hello)
    if (told.public_key, told.numerical_class) != (bench.public_key, bench.numerical_class):
        raise RuleBrokenError("rule.another_identity")


async def _echo(bench: PhoneBench) -> None:
    for size in (0, _ECHO_BYTES):
        told = await bench.client.call(Ping(size))
        if sum(each.nbytes for each in told.tensors) != size:
            raise RuleBrokenError("rule.other_length", wanted=size)


async def _speed(bench: PhoneBench) -> None:
    await bench.client.call(Measure(), MEASURE_LIMIT_S)  # read within its bounds or refused


async def _rounding(bench: PhoneBench) -> None:
    shown = await bench.client.call(ShowCanary(bench.threads))
    if not is_canary_of(shown.tensors, bench.numerical_class):
        raise RuleBrokenError("rule.other_products")


async def _cache(bench: PhoneBench) -> None:
    for part in (bench.work.whole, bench.work.half):
        told = await bench.load(part)
        if told != part.shape.kv_bytes:
            raise RuleBrokenError("rule.other_cache", found=told, wanted=part.shape.kv_bytes)


async def _rows_f4(bench: PhoneBench) -> None:
    await _rows(bench, Boundary.F32, bench.work.rows)


async def _rows_f2(bench: PhoneBench) -> None:
    await _rows(bench, Boundary.F16, bench.work.rows.astype(np.float16))


async def _rows(bench: PhoneBench, boundary: Boundary, rows: Tensor) -> None:
    async with bench.opened(bench.work.half, boundary) as under_way:
        answer = await under_way.step(0, 0, rows, 1)
        step = AuditStep(0, rows, wants_token=True, generated=1, claimed=_leaf(answer))
        await _audited(bench, bench.work.half, under_way, [step], boundary)


async def _answer(bench: PhoneBench) -> None:
    async with bench.opened(bench.work.whole) as under_way:
        first = await under_way.step(0, 0, bench.work.tokens, 1)
        fed = np.array([[first.row.token]], np.int64)
        second = await under_way.step(1, CANARY_TOKENS, fed, 2)
        steps = [
            AuditStep(0, bench.work.tokens, True, 1, _leaf(first)),
            AuditStep(CANARY_TOKENS, fed, True, 2, _leaf(second)),
        ]
        await _audited(bench, bench.work.whole, under_way, steps)


async def _steering(bench: PhoneBench) -> None:
    wanted = bench.work.model.vocabulary_size - 1
    how = Steering(added=(Added(wanted, _FAR_MORE),))
    async with bench.opened(bench.work.whole) as under_way:
        await bench.client.call(Steer.by(under_way.name, 1, how))
        answer = await under_way.step(0, 0, bench.work.tokens, 1)
        if answer.row.token != wanted:
            raise RuleBrokenError("rule.not_steered")
        step = AuditStep(0, bench.work.tokens, True, 1, _leaf(answer), how)
        await _audited(bench, bench.work.whole, under_way, [step])


async def _transcript(bench: PhoneBench) -> None:
    async with bench.opened(bench.work.half) as under_way:
        await under_way.step(0, 0, bench.work.rows, 1)
        shown = await bench.client.call(ShowTranscript(under_way.name, 0, 1))
        same = [np.array_equal(each, bench.work.rows) for each in shown.tensors] == [True]
        if not same or [tuple(each) for each in shown.steps] != [(0, 0)]:
            raise RuleBrokenError("rule.other_transcript")


async def _receipt(bench: PhoneBench) -> None:
    async with bench.opened(bench.work.whole) as under_way:
        await under_way.step(0, 0, bench.work.tokens, 1)
        body = await _sealed(bench, under_way, 1)
        said = (body.transaction, body.serial, body.terms, body.nonce, body.steps, body.tokens)
        own = (under_way.name, bench.serial, bench.terms, under_way.nonce.hex(), 1, CANARY_TOKENS)
        if said != own or body.numerical_class != bench.numerical_class:
            raise RuleBrokenError("rule.other_receipt")


async def _kept_rows(bench: PhoneBench) -> None:
    part, tokens = bench.work.whole, bench.work.tokens
    async with bench.opened(part, kept_steps=1) as before:
        first = await before.step(0, 0, tokens, 1)
    fed = np.array([[first.row.token]], np.int64)
    resume = Resumption(before.name, 0, 1, CANARY_TOKENS)
    async with bench.opened(part, resume=resume) as under_way:
        second = await under_way.step(1, CANARY_TOKENS, fed, 2)
        steps = [
            AuditStep(0, tokens, wants_token=False, generated=0),
            AuditStep(CANARY_TOKENS, fed, True, 2, _leaf(second)),
        ]
        await _audited(bench, part, under_way, steps)


async def _refuses_files(bench: PhoneBench) -> None:
    shape = bench.work.half.shape
    await _refused(bench, Load("canary-nowhere", _NOWHERE, (), bench.threads, shape))


async def _refuses_work(bench: PhoneBench) -> None:
    part = bench.work.whole
    unloaded = replace(part, name="canary-nowhere")
    await _refused(bench, bench.opening(unloaded, bench.transaction()))
    async with bench.opened(part) as under_way:
        await _refused(bench, bench.opening(part, under_way.name))
        await _refused(bench, bench.opening(part, bench.transaction()))  # its slot is taken


async def _refuses_rows(bench: PhoneBench) -> None:
    beyond = np.full_like(bench.work.tokens, bench.work.model.vocabulary_size)
    endless = np.full_like(bench.work.rows, np.inf)
    for part, inputs in ((bench.work.whole, beyond), (bench.work.half, endless)):
        async with bench.opened(part) as under_way:
            if not await under_way.refuses(inputs):
                raise RuleBrokenError("rule.took_bad_input")


CHECKS: Final[Mapping[RuleName, RuleCheck]] = MappingProxyType(
    {
        RuleName.IDENTITY: _identity,
        RuleName.ECHO: _echo,
        RuleName.SPEED: _speed,
        RuleName.ROUNDING: _rounding,
        RuleName.CACHE: _cache,
        RuleName.ROWS_F4: _rows_f4,
        RuleName.ROWS_F2: _rows_f2,
        RuleName.ANSWER: _answer,
        RuleName.STEERING: _steering,
        RuleName.TRANSCRIPT: _transcript,
        RuleName.RECEIPT: _receipt,
        RuleName.KEPT_ROWS: _kept_rows,
        RuleName.REFUSES_FILES: _refuses_files,
        RuleName.REFUSES_WORK: _refuses_work,
        RuleName.REFUSES_ROWS: _refuses_rows,
    }
)


async def _refused(bench: PhoneBench, command: WorkerCommand[ReplyType]) -> None:
    """Have the phone refuse a command. Raises `RuleBrokenError` where it carries it out."""
    try:
        await bench.client.call(command)
    except WorkerError:
        return
    raise RuleBrokenError("rule.took_bad_input")


async def _sealed(bench: PhoneBench, under_way: CanaryTransaction, steps: int) -> ReceiptBody:
    sealed = await bench.client.call(Seal(under_way.name, steps, steps))
    try:
        return verify_receipt(sealed.receipt, sealed.signature, bench.public_key)
    except ReceiptError:
        raise RuleBrokenError("rule.receipt_unsigned") from None


async def _audited(
    bench: PhoneBench,
    part: CanaryPart,
    under_way: CanaryTransaction,
    steps: Sequence[AuditStep],
    boundary: Boundary = Boundary.F32,
) -> None:
    """Have the phone sign for its steps and do them again, within its class's tolerance.

    What deviates further than its class explains and is not wrong for certain breaks no rule.
    """
    body = await _sealed(bench, under_way, len(steps))
    case = _case(bench, part, body, await _grounded(bench, under_way, steps), boundary)
    verdict = await bench.audits.run(audit, case)
    if verdict.failed:
        reason = reason_named(verdict.reason.value)
        raise RuleBrokenError("rule.audit", reason=reason, times=verdict.deviation)


async def _grounded(
    bench: PhoneBench, under_way: CanaryTransaction, steps: Sequence[AuditStep]
) -> list[AuditStep]:
    """Return the steps with what the phone shows that their tokens rest on."""
    shown = await bench.client.call(ShowGrounds(under_way.name, first_step=0, count=len(steps)))
    if len(shown.tensors) != len(steps):
        raise RuleBrokenError("rule.another_step")
    pairs = zip(steps, shown.tensors, strict=True)
    return [replace(step, grounds=each if each.size else None) for step, each in pairs]


def _case(
    bench: PhoneBench,
    part: CanaryPart,
    body: ReceiptBody,
    steps: Sequence[AuditStep],
    boundary: Boundary,
) -> AuditCase:
    store, shard = bench.work.store, part.shard
    parts = tuple(
        StagePart(
            store / each.graph.sha256,
            part_shape(part.shape, has_embedding=each.has_embedding, has_head=each.has_head),
        )
        for each in shard.parts
    )
    return AuditCase(
        receipt=body,
        steps=tuple(steps),
        graph_path=store / shard.graph.sha256,
        shape=part.shape,
        sampling=SamplingRule(),
        threads=bench.threads,
        boundary=boundary,
        parts=parts if shard.quantized else (),
        all_parts=parts,
        host_class=numerical_class(bench.threads),
        registered_class=bench.numerical_class,
    )


def _leaf(answer: StepAnswer) -> Tensor:
    """Return what the phone must have committed to, by what it told."""
    row = answer.row
    if row.token is None or row.log_probability is None:
        raise RuleBrokenError("rule.no_figures")
    return answer_leaf(Choice(row.token, row.log_probability), row.alternatives)
