"""Where a step ends: its tokens go to the first stage, which needs them next, and to the host."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from workers.network.inbox import Inbox
from workers.network.links import OutboundLinks
from workers.protocol.step_message import Step, StepRow, TraceEntry, step_frame
from workers.protocol.told import Token
from workers.protocol.wire import Tensor
from workers.ring.answers import RowAnswer, committed_answer, told_answer
from workers.ring.transactions import Transaction


class LastStage:
    """Ends steps. The next one is sent before the host is told: a phone waits for that one."""

    def __init__(self, links: OutboundLinks, inbox: Inbox, now_ns: Callable[[], int]) -> None:
        self._links = links
        self._inbox = inbox
        self._now_ns = now_ns

    def finish(
        self,
        transactions: Sequence[Transaction],
        step: Step,
        answers: Sequence[RowAnswer],
        entry: TraceEntry,
    ) -> list[Tensor]:
        """Send what may follow to the first stage, then tell the host.

        Returns what each transaction commits to, which is what the host was told.
        Raises `RequestRefusedError` where the first stage cannot be reached.
        """
        going_on = [
            _goes_on(transaction, row, answer)
            for transaction, row, answer in zip(transactions, step.rows, answers, strict=True)
        ]
        self._go_on(transactions[0], step, answers, going_on)
        rows = tuple(
            told_answer(row, answer, transaction.alternatives, goes_on=goes_on)
            for transaction, row, answer, goes_on in zip(
                transactions, step.rows, answers, going_on, strict=True
            )
        )
        vectors = [answer.vector for answer in answers if answer.vector is not None]
        told = (np.concatenate(vectors),) if vectors else ()
        trace = (*step.trace, entry.sent_at(self._now_ns()))
        self._inbox.send_to_host(Token(rows, trace, told))
        return [committed_answer(answer, row) for answer, row in zip(answers, rows, strict=True)]

    def _go_on(
        self,
        transaction: Transaction,
        step: Step,
        answers: Sequence[RowAnswer],
        going_on: Sequence[bool],
    ) -> None:
        if transaction.first_hop is None or not any(going_on):
            return
        chosen = [index for index, goes_on in enumerate(going_on) if goes_on]
        rows = [step.rows[index].following(step.inputs.shape[1]) for index in chosen]
        tokens = np.array([answers[index].sent for index in chosen], np.int64)
        self._links.send(transaction.first_hop, step_frame(rows, (), tokens))


def _goes_on(transaction: Transaction, row: StepRow, answer: RowAnswer) -> bool:
    """Tell whether the token may be fed to the first stage without asking the host."""
    allowed = transaction.first_hop is not None and row.ahead > 0
    return allowed and answer.token is not None and answer.token not in transaction.end_tokens
