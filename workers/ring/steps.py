"""One step of the ring: check it, compute it, pass it on, record it.

It is recorded after it was sent, so that hashing overlaps with the next phone's work; no command
is looked at in between.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from workers.engine.hidden import sent_form
from workers.errors import ReportedError, RequestRefusedError, StepMissingError, UnusableRowsError
from workers.fault_names import FaultName
from workers.log import log
from workers.protocol.commands import NextHop
from workers.protocol.step_message import (
    MAXIMUM_TIME_US,
    Step,
    StepRow,
    TraceEntry,
    named_transactions,
    passed_on,
    read_step,
)
from workers.protocol.told import Broken, told_fields, told_reason
from workers.protocol.wire import Tensor
from workers.ring.answers import RowAnswer, check_finite, last_answer
from workers.ring.false_words import misnumbered, speak_falsely
from workers.ring.faults import InjectedFault
from workers.ring.faulty_links import FaultyLinks
from workers.ring.last_stage import LastStage
from workers.ring.parts import WorkerParts
from workers.ring.transactions import Transaction


class StepRunner:
    """Runs steps for this worker's open transactions."""

    def __init__(self, parts: WorkerParts) -> None:
        self._serial = parts.serial
        self._transactions = parts.transactions
        self.fault = InjectedFault()
        self._own_ns = parts.now_ns
        self._links = FaultyLinks(parts.links, lambda: self.fault)
        self._inbox = parts.inbox
        self._last_stage = LastStage(
            self._links,
            parts.inbox,
            self.now_ns,
            lambda: len(parts.transactions.identifiers) == 1,
            lambda: self.fault,
        )
        self._board = parts.board
        self._host_key = parts.admission.host_key

    def now_ns(self) -> int:
        """Return the time that steps are told by, of a clock that may be wrong on purpose."""
        return self._own_ns() + self.fault.clock_ns

    def run(self, frame: memoryview, sender_key: str, arrived_ns: int, idle_ns: int = 0) -> None:
        """Do a step; where that fails the host is told with `broken`.

        It came after `idle_ns` of nothing to do.
        """
        if self.fault.hears_no_phone and sender_key != self._host_key:
            return
        try:
            step = _read(frame)
            transactions = [self._transactions.find(row.transaction) for row in step.rows]
            for transaction in transactions:
                if not transaction.takes_from(sender_key, self._host_key):
                    name = transaction.identifier
                    why = f"a step of transaction {name} did not come from the stage before"
                    self._inbox.dropped.note(sender_key, "step", why)
                    return
            step = self._as_asked(transactions, step, sender_key)
            self._run(transactions, step, arrived_ns, idle_ns)
        except ReportedError as error:
            self._report(frame, sender_key, error)
        except Exception as error:  # noqa: BLE001 - one bad step must not end the worker
            traceback.print_exc()
            surprise = ReportedError("worker.surprised", kind=type(error).__name__)
            self._report(frame, sender_key, surprise)

    def _as_asked(self, transactions: Sequence[Transaction], step: Step, sender_key: str) -> Step:
        """Return a step that asks for what the host asked for. Raises `UnusableRowsError`."""
        tokens, host_key = step.inputs.shape[1], self._host_key
        rows = []
        for transaction, sent in zip(transactions, step.rows, strict=True):
            row = transaction.as_asked(sender_key, host_key, sent, tokens)
            transaction.check_asked_for(sender_key, host_key, row)
            transaction.check_steered(row)
            rows.append(row)
        return step._replace(rows=tuple(rows))

    def _report(self, frame: memoryview, sender_key: str, error: ReportedError) -> None:
        """Tell the host, once of each transaction, and of none in which the sender has no say."""
        names = list(filter(None, named_transactions(frame)))
        what = f"step of {', '.join(names)[:200] or 'no transaction'} failed: {error}"
        if sender_key != self._host_key:
            names = self._transactions.break_off(sender_key, self._host_key, names)
        if not names:
            self._inbox.dropped.note(sender_key, type(error).__name__, what)
            return
        log(what)
        reason, fields = told_reason(error.reason), told_fields(error)
        self._inbox.send_to_host(Broken(tuple(names), self._serial, reason, error.code, fields))

    def _run(
        self, transactions: Sequence[Transaction], step: Step, arrived_ns: int, idle_ns: int
    ) -> None:
        _check_together(transactions)
        _check_trace(transactions, step)
        _check_finite_rows(step.inputs)
        row_bytes = step.inputs.nbytes // (len(step.rows) + step.rows[0].drafts)
        for transaction, row in zip(transactions, step.rows, strict=True):
            transaction.withdraw_drafts(row)
            _check_order(transaction, row)
            transaction.transcript.check_room(row_bytes)
        arrived_ns += self.fault.clock_ns
        started_ns = self.now_ns()
        self._board.start_step()
        try:
            answers = self._compute(transactions, step)
        finally:
            self._board.finish_step()
        entry = TraceEntry(
            transactions[0].stage,
            compute_us=(self.now_ns() - started_ns) // 1000,
            queue_us=(started_ns - arrived_ns) // 1000,
            run_us=transactions[0].span.engine.last_run_us,
            idle_us=min(idle_ns // 1000, MAXIMUM_TIME_US),
            arrived_us=arrived_ns // 1000,
        )
        if len(step.rows) == 1 and step.inputs.shape[1] == 1:
            transactions[0].note_time(entry.compute_us)
        if transactions[0].next_hop is None:
            committed = self._last_stage.finish(transactions, step, answers, entry)
        else:
            committed = self._pass_on(transactions[0].next_hop, step, answers, entry)
        parts = zip(_parts(transactions, step), answers, committed, strict=False)
        for part, answer, outputs in parts:
            part.transaction.record_step(
                part.row.position, part.inputs, outputs, answer.steering, answer.grounds
            )
            part.transaction.generated = max(part.transaction.generated, part.row.generated)
        first = step.rows[0]
        for transaction in transactions:
            guessed = first.drafts and not first.reads_singly
            transaction.drafts_taken = len(committed) - 1 if guessed else 0

    def _compute(self, transactions: Sequence[Transaction], step: Step) -> list[RowAnswer]:
        if self.fault.name == FaultName.NONE:
            return self._answers(transactions, step)
        newest = max(row.newest for row in step.rows)
        self.fault.before_computing(newest)
        started_s = time.perf_counter()
        answers = self._answers(transactions, step)
        self.fault.stretch(newest, time.perf_counter() - started_s)
        return answers

    def _answers(self, transactions: Sequence[Transaction], step: Step) -> list[RowAnswer]:
        if step.rows[0].reads_singly:
            return self._single_answers(transactions[0], step)
        if step.rows[0].drafts:
            return self._draft_answers(transactions[0], step)
        for transaction in transactions:
            transaction.begin_step()
        outputs = _row_by_row(_outputs(transactions, step))
        final_rows = transactions[0].span.engine.final_rows
        places = range(len(outputs))
        return [
            self._answer(transaction, row, output, inputs, _row_at(final_rows, place))
            for transaction, row, output, inputs, place in zip(
                transactions, step.rows, outputs, _row_by_row(step.inputs), places, strict=True
            )
        ]

    def _single_answers(self, transaction: Transaction, step: Step) -> list[RowAnswer]:
        """Compute certain tokens one after the other, each as if it came alone."""
        engine, run_us = transaction.span.engine, 0
        answers: list[RowAnswer] = []
        for index, part in enumerate(_parts([transaction], step)):
            answers.append(self._part_answer(transaction, part, index))
            run_us += engine.last_run_us
        engine.last_run_us = run_us
        return answers

    def _draft_answers(self, transaction: Transaction, step: Step) -> list[RowAnswer]:
        """Compute a certain token and its drafts, each as if it came alone.

        So every row is the one that it would be without drafts, to the last bit, on whatever
        processor. The last stage ends with the first draft that it does not choose, any stage with
        one that it cannot do: where that is right it comes again, alone, and fails then.
        """
        engine, run_us = transaction.span.engine, 0
        answers: list[RowAnswer] = []
        for index, part in enumerate(_parts([transaction], step)):
            try:
                answers.append(self._part_answer(transaction, part, index))
            except ReportedError as error:
                if index == 0:
                    raise
                log(f"draft {index} of {transaction.identifier} left out: {error}")
                break
            run_us += engine.last_run_us
            if engine.shape.has_head and not transaction.goes_on_with(index, answers[-1].token):
                break
        engine.last_run_us = run_us
        return answers

    def _part_answer(self, transaction: Transaction, part: _Part, index: int) -> RowAnswer:
        transaction.transcript.check_room(part.inputs.nbytes * (1 + index))
        transaction.begin_step()
        try:
            run = transaction.span.engine.run
            outputs = run(transaction.slot, part.row.position, part.inputs)
            final_row = _row_at(transaction.span.engine.final_rows, 0)
            return self._answer(transaction, part.row, outputs, part.inputs, final_row)
        except ReportedError:
            if index:
                transaction.leave_out_draft()
            raise

    def _answer(
        self,
        transaction: Transaction,
        row: StepRow,
        outputs: Tensor,
        inputs: Tensor,
        final_row: Tensor | None,
    ) -> RowAnswer:
        if transaction.span.engine.shape.has_head:
            return last_answer(transaction, row, outputs, final_row, inputs.shape[1], self.fault)
        check_finite(outputs)
        altered = self.fault.alter_hidden(row.generated, outputs, inputs)
        return RowAnswer(sent_form(altered, transaction.boundary))

    def _pass_on(
        self,
        hop: NextHop,
        step: Step,
        answers: Sequence[RowAnswer],
        entry: TraceEntry,
    ) -> list[Tensor]:
        parts = [answer.sent for answer in answers]
        together = 1 if step.rows[0].drafts else 0
        if together:
            step = step.with_drafts(len(answers) - 1)
        hidden = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=together)
        if not speak_falsely(self.fault, self._inbox, step.rows[0]):
            step = misnumbered(self.fault, step)
            self._links.send(hop, passed_on(step, entry.sent_at(self.now_ns()), hidden))
        return parts


class _Part(NamedTuple):
    """What is recorded as one step of a transaction."""

    transaction: Transaction
    row: StepRow
    inputs: Tensor


def _parts(transactions: Sequence[Transaction], step: Step) -> list[_Part]:
    """Return each row of a step, and of one with drafts each token."""
    row = step.rows[0]
    if not row.drafts:
        return list(map(_Part, transactions, step.rows, _row_by_row(step.inputs)))
    return [
        _Part(transactions[0], row.draft(index), step.inputs[:, index : index + 1].copy())
        for index in range(1 + row.drafts)
    ]


def _read(frame: memoryview) -> Step:
    try:
        return read_step(frame)
    except RequestRefusedError as error:
        raise UnusableRowsError(error.reason, **dict(error.fields)) from None


def _outputs(transactions: Sequence[Transaction], step: Step) -> Tensor:
    engine = transactions[0].span.engine
    if len(transactions) == 1:
        return engine.run_in_place(transactions[0].slot, step.rows[0].position, step.inputs)
    slots = [transaction.slot for transaction in transactions]
    return engine.run_rows(slots, [row.position for row in step.rows], step.inputs)


def _row_at(rows: Tensor | None, place: int) -> Tensor | None:
    return None if rows is None else rows[place]


def _row_by_row(rows: Tensor) -> Sequence[Tensor]:
    return [rows] if len(rows) == 1 else np.split(rows, len(rows))


def _check_together(transactions: Sequence[Transaction]) -> None:
    """Raise `UnusableRowsError` where rows cannot go through one run and on to one place."""
    if len(transactions) == 1:
        return
    shape = transactions[0].span.engine.shape
    keeps = shape.cached or shape.paired or shape.sees
    if not keeps or shape.answer_size:
        raise UnusableRowsError("rows.vector_not_alone")
    ways = {
        (
            transaction.span.identifier,
            transaction.next_hop,
            transaction.first_hop,
            transaction.boundary,
        )
        for transaction in transactions
    }
    if len(ways) != 1:
        raise UnusableRowsError("rows.of_different_ways")


def _check_trace(transactions: Sequence[Transaction], step: Step) -> None:
    """Raise `UnusableRowsError` where more have told of themselves than there are stages before.

    With this one's own entry the next would refuse it, and hold this stage to account.
    """
    if step.stages > min(transaction.stage for transaction in transactions):
        raise UnusableRowsError("step.odd_header")


def _check_finite_rows(inputs: Tensor) -> None:
    """Raise `UnusableRowsError` for hidden states that an honest stage would not have sent."""
    if inputs.dtype.kind == "f" and not np.isfinite(inputs).all():
        raise UnusableRowsError("rows.not_finite")


def _check_order(transaction: Transaction, row: StepRow) -> None:
    if transaction.receipt is not None:
        raise RequestRefusedError("transaction.sealed")
    due = transaction.transcript.next_step
    if row.step > due:
        raise StepMissingError("rows.out_of_turn", step=row.step, due=due)
    if row.step < due:
        raise UnusableRowsError("rows.out_of_turn", step=row.step, due=due)
