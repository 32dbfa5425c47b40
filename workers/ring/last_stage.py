"""Where a step ends: its tokens go to the first stage, which needs them next, and to the host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from workers.fault_names import FaultName
from workers.network.inbox import Inbox
from workers.protocol.step_message import MAXIMUM_DRAFTS, Step, StepRow, TraceEntry, step_frame
from workers.protocol.told import Token
from workers.protocol.wire import Tensor
from workers.ring.answers import RowAnswer, committed_answer, told_answer
from workers.ring.faults import InjectedFault
from workers.ring.faulty_links import Sender
from workers.ring.transactions import Transaction


class LastStage:
    """Ends steps. The next one is sent before the host is told: a phone waits for that one."""

    def __init__(
        self,
        links: Sender,
        inbox: Inbox,
        now_ns: Callable[[], int],
        is_alone: Callable[[], bool],
        fault: Callable[[], InjectedFault] = InjectedFault,
    ) -> None:
        """`is_alone` tells whether one request alone is under way: others wait for its drafts."""
        self._fault = fault
        self._links = links
        self._inbox = inbox
        self._now_ns = now_ns
        self._is_alone = is_alone

    def finish(
        self,
        transactions: Sequence[Transaction],
        step: Step,
        answers: Sequence[RowAnswer],
        entry: TraceEntry,
    ) -> list[Tensor]:
        """Send what may follow to the first stage, then tell the host.

        Of a step with drafts there is an answer for the certain token and each draft that stands.
        Returns what each transaction commits to, which is what the host was told.
        Raises `RequestRefusedError` where the first stage cannot be reached.
        """
        drafts = step.rows[0].drafts
        ended = _ended(transactions, step, answers)
        _look_up(ended, drafts, self._now_ns())
        goes_on = [each.stands or _goes_on(each) for each in ended]
        newest = [each for each, on in zip(ended, goes_on, strict=True) if on and not each.stands]
        trace = (*step.trace, entry)
        most = MAXIMUM_DRAFTS if self._is_alone() else spare_rows(trace, 1 + drafts)
        self._go_on(newest, most)
        proposed = self._propose(ended, most) if not newest else ()
        told = tuple(
            told_answer(each.row, each.answer, each.transaction.alternatives, goes_on=on)
            for each, on in zip(ended, goes_on, strict=True)
        )
        vectors = [answer.vector for answer in answers if answer.vector is not None]
        tensors = (np.concatenate(vectors),) if vectors else ()
        trace = (*step.trace, entry.sent_at(self._now_ns()))
        self._inbox.send_to_host(Token(told, trace, drafts, proposed, tensors))
        return [committed_answer(answer, row) for answer, row in zip(answers, told, strict=True)]

    def _go_on(self, newest: Sequence[_EndedRow], most: int) -> None:
        """Send what comes next; a row alone goes with drafts, so many at most."""
        if not newest:
            return
        transaction = newest[0].transaction
        rows = [each.row.following(each.tokens) for each in newest]
        tokens = np.array([each.answer.sent for each in newest], np.int64)
        if self._fault().is_active(FaultName.TWO_TONGUES, newest[0].row.generated):
            tokens = np.where(tokens > 0, tokens - 1, tokens + 1)
        if transaction.lookup is not None and len(rows) == 1:
            drafts = transaction.lookup.begin_round(min(most, rows[0].ahead), self._now_ns())
            rows = [rows[0]._replace(drafts=len(drafts))]
            tokens = np.array([[*tokens[0], *drafts]], np.int64)
        if transaction.first_hop is not None:
            self._links.send(transaction.first_hop, step_frame(rows, (), tokens))

    def _propose(self, ended: Sequence[_EndedRow], most: int) -> tuple[int, ...]:
        """Return drafts for the host to send, so many at most: it alone goes on with the text."""
        transaction, row, answer = ended[-1].transaction, ended[-1].row, ended[-1].answer
        alone = row.generated > 0 and all(each.transaction is transaction for each in ended)
        if transaction.lookup is None or answer.token is None or not alone:
            return ()
        begun_ns = self._now_ns() if transaction.first_hop is None else None
        return transaction.lookup.begin_round(most, begun_ns)


def spare_rows(trace: Sequence[TraceEntry], rows: int) -> int:
    """Return how many more single rows every stage has time for before others' steps come.

    `trace` tells of a step of so many rows, each computed alone. Half of what the busiest stage
    waited for that step is time that nobody misses; a step that was waited for leaves none.
    """
    return min((each.idle_us * rows // (2 * max(each.compute_us, 1)) for each in trace), default=0)


class _EndedRow(NamedTuple):
    """What came of one step of a transaction."""

    transaction: Transaction
    row: StepRow
    answer: RowAnswer
    tokens: int
    """How many the step has read."""
    stands: bool
    """Whether the draft behind its token is right, so that the next answer is known too."""


def _ended(
    transactions: Sequence[Transaction], step: Step, answers: Sequence[RowAnswer]
) -> list[_EndedRow]:
    if step.rows[0].drafts:
        last, row = len(answers) - 1, step.rows[0]
        return [
            _EndedRow(
                transactions[0],
                row.draft(index),
                answer,
                1,
                stands=index < last and row.wants_token,
            )
            for index, answer in enumerate(answers)
        ]
    tokens = step.inputs.shape[1]
    return [
        _EndedRow(transaction, row, answer, tokens, stands=False)
        for transaction, row, answer in zip(transactions, step.rows, answers, strict=True)
    ]


def _look_up(ended: Sequence[_EndedRow], drafts: int, now_ns: int) -> None:
    """Add the tokens to the texts that drafts are looked up in."""
    for each in ended:
        if each.transaction.lookup is not None and each.answer.token is not None:
            if not each.stands:
                each.transaction.lookup.end_round(len(ended) - 1 if drafts else 0, now_ns)
            each.transaction.lookup.add(each.answer.token)


def _goes_on(ended: _EndedRow) -> bool:
    """Tell whether the token may be fed to the first stage without asking the host."""
    transaction, token = ended.transaction, ended.answer.token
    allowed = transaction.first_hop is not None and ended.row.ahead > 0
    return allowed and token is not None and token not in transaction.end_tokens
