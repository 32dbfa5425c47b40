"""Transactions open on this worker: each holds one slot of one span and keeps a transcript.

One may begin with rows of an earlier one, in the slot that it left or copied from there; its
transcript then begins with the steps that made them, so that its receipt answers for them too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from workers.engine.spans import LoadedSpan, SpanTable
from workers.errors import RequestRefusedError, UnusableRowsError
from workers.identity.choices import choice_leaf
from workers.identity.grounds import probe_seed
from workers.identity.transcript import Transcript
from workers.protocol.boundary import Boundary
from workers.protocol.commands import (
    MAXIMUM_TRANSACTIONS,
    NextHop,
    Open,
    Resumption,
    SignedTerms,
)
from workers.protocol.sampling_rule import UNSTEERED, AskedTokens, SamplingRule, Steering, steered
from workers.protocol.step_message import StepRow
from workers.protocol.wire import Tensor
from workers.ring.kept_rows import KeptRows, KeptSlots, Place
from workers.ring.lookup import PromptLookup


@dataclass
class Transaction:
    """One attempt at a request, as one stage sees it. Used by the main thread only."""

    identifier: str
    span: LoadedSpan
    stage: int
    slot: int
    sampling: SamplingRule
    next_hop: NextHop | None
    first_hop: NextHop | None
    """Where the last stage sends its tokens to be read; None where only the host does."""
    end_tokens: frozenset[int]
    """Tokens after which the last stage sends none."""
    boundary: Boundary
    alternatives: int
    """How many of the likeliest tokens the host wants to see with each one chosen."""
    terms: SignedTerms
    nonce: bytes
    """Drawn here for this opening of it."""
    previous_key: str | None
    """CURVE key of the one phone whose steps are taken; the first stage takes the host's too."""
    transcript: Transcript = field(default_factory=Transcript)
    resumed_from: str = ""
    resumed_rows: int = 0
    generated: int = 0
    ahead: int = 0
    """How many steps the first stage still takes from the last before the host's next one."""
    lookup: PromptLookup | None = None
    """Where the last stage drafts."""
    asked: AskedTokens | None = None
    """Which tokens the host asks for by its own word."""
    drafts_taken: int = 0
    """Of the newest step: so many of the steps recorded last were drafts."""
    broken: bool = False
    """Whether the host was told that a step of another phone's could not be done."""
    steering: tuple[int, Steering] = (0, UNSTEERED)
    """Of which token the host steers the choice, and how."""
    receipt: tuple[bytes, bytes] | None = None
    """Canonical bytes and signature, once sealed."""
    times: tuple[bytes, bytes] = (b"", b"")
    """The same of what its steps took."""
    timed_steps: int = 0
    """Steps of one row alone, the first of them left out, and what they took (`timed_us`)."""
    timed_us: int = 0
    _is_warm: bool = False
    _unrecorded: int = 0
    """Steps that were begun and never recorded: each may have overwritten rows of others."""

    @property
    def place(self) -> Place:
        """The span and slot it holds."""
        return (self.span.identifier, self.slot)

    @cached_property
    def probe_seed(self) -> bytes:
        """What the logits that it commits to are drawn by."""
        return probe_seed(self.identifier, self.terms.head)

    def rule_of(self, generated: int) -> SamplingRule:
        """Return what a token is chosen by."""
        return steered(self.sampling, self.steering_of(generated))

    def steering_of(self, generated: int) -> Steering:
        """Return what steers the choice of a token besides the rule."""
        of, steering = self.steering
        return steering if of == generated else UNSTEERED

    def as_asked(self, sender_key: str, host_key: str, row: StepRow, tokens: int) -> StepRow:
        """Return a row with what the host asked for, whatever phones on the way made of that.

        Raises `UnusableRowsError` where it does not begin behind the rows there are: by its place
        the host's word is found, and both neighbours sign for it.
        """
        if self.asked is None or sender_key == host_key:
            return row
        in_turn = row.step == self.transcript.next_step
        if in_turn and row.position != self.transcript.rows:
            raise UnusableRowsError("rows.unasked")
        number = self.asked.number_at(row.position + tokens - row.drafts)
        asked = row._replace(wants_token=number > 0, generated=number)
        if asked.reads_singly and self.asked.number_at(row.position + tokens):
            raise UnusableRowsError("rows.unasked")
        return asked

    def check_steered(self, row: StepRow) -> None:
        """Take the token next that the host told how to choose, as it said.

        Raises `UnusableRowsError` for another number: between the host and this stage somebody
        changed it, and the token would be chosen otherwise than the host thinks.
        """
        of, _steering = self.steering
        if row.wants_token and of > self.generated and row.generated != of:
            raise UnusableRowsError("rows.unasked")

    @property
    def certain_steps(self) -> int:
        """How many recorded steps stand whatever comes: drafts of the newest may be withdrawn.

        Not at the last stage, which records only those that it chose, and has told of them.
        """
        withdrawn = 0 if self.next_hop is None else self.drafts_taken
        return self.transcript.next_step - withdrawn

    def note_time(self, taken_us: int) -> None:
        """Note what a step of one row alone took; the first may have had to find its weights."""
        if self._is_warm:
            self.timed_steps += 1
            self.timed_us += taken_us
        self._is_warm = True

    def begin_step(self) -> None:
        """Note that rows are about to be written."""
        self._unrecorded += 1

    def leave_out_draft(self) -> None:
        """Note that the step begun last is not done: it is a draft's, behind all rows recorded."""
        self._unrecorded -= 1

    def withdraw_drafts(self, row: StepRow) -> None:
        """Forget the steps of drafts that the last stage did not choose, as a newer step tells."""
        if self.certain_steps <= row.step < self.transcript.next_step:
            self.transcript.withdraw(row.step)

    def record_step(
        self,
        position: int,
        inputs: Tensor,
        outputs: Tensor,
        steering: Steering | None,
        grounds: Tensor | None,
    ) -> None:
        """Add what went in and out to the transcript: the step was done.

        `steering` is what a token was chosen by, None where none was wanted, `grounds` what it
        rests on.
        """
        choice = choice_leaf(steering) if self.span.engine.shape.has_head else None
        self.transcript.record(position, inputs, outputs, choice, grounds)
        self._unrecorded -= 1

    def beginning(self, steps: int) -> Transcript | None:
        """Return what others may resume from; None where its slot may hold something else."""
        if self._unrecorded or steps == 0 or self.transcript.rows_of(steps) is None:
            return None
        return self.transcript.beginning(steps, answers=self.span.engine.shape.has_head)

    def takes_from(self, sender_key: str, host_key: str) -> bool:
        """Tell whether steps may come from the holder of that key."""
        return sender_key in (self.previous_key, host_key if self._is_first else None)

    def check_asked_for(self, sender_key: str, host_key: str, row: StepRow) -> None:
        """Take no more steps from the last stage than the host allowed with its own newest.

        Each draft that was right was one of them. Raises `UnusableRowsError` for one more, and at
        the last stage for drafts that are not its own.
        """
        drafts = 0 if row.reads_singly else row.drafts
        if self.span.engine.shape.has_head and drafts > self._drafts_sent:
            raise UnusableRowsError("rows.unasked")
        if self.lookup is not None:
            self.lookup.carried(drafts)
        if not self._is_first:
            return
        most = self.ahead - 1
        allowed = most - self.drafts_taken <= row.ahead <= most and not row.reads_singly
        if sender_key != host_key and not allowed:
            raise UnusableRowsError("rows.unasked")
        self.ahead = row.ahead

    def goes_on_with(self, index: int, token: int | None) -> bool:
        """Tell whether the draft of that place is the token chosen there, not ending the text."""
        return (
            self.lookup is not None
            and self.lookup.stands(index, token)
            and token not in self.end_tokens
        )

    @property
    def _drafts_sent(self) -> int:
        return len(self.lookup.drafts) if self.lookup else 0

    @property
    def _is_first(self) -> bool:
        return self.stage == 0


def made_lookup(command: Open) -> PromptLookup:
    """Return what looks drafts up in the text that a transaction is opened with."""
    return PromptLookup(command.history or ())


class TransactionTable:
    """Opens, finds and closes transactions; a slot serves one at a time."""

    def __init__(
        self, spans: SpanTable, make_lookup: Callable[[Open], PromptLookup] = made_lookup
    ) -> None:
        """`make_lookup` makes what drafts for a transaction opened with a history."""
        self._spans = spans
        self._make_lookup = make_lookup
        self._transactions: dict[str, Transaction] = {}
        self.kept = KeptSlots()

    def open(self, command: Open, nonce: bytes) -> Transaction:
        """Open the transaction that a command describes, told from any other by the `nonce`.

        Its slot is empty but for the rows it is to resume from, where these are still there.
        Raises `RequestRefusedError` where the id or the slot is in use.
        """
        transaction = self._described(command, nonce)
        if transaction.identifier in self._transactions:
            raise RequestRefusedError(
                "transaction.begun_already", transaction=transaction.identifier
            )
        if len(self._transactions) >= MAXIMUM_TRANSACTIONS:
            raise RequestRefusedError("transaction.too_many", limit=MAXIMUM_TRANSACTIONS)
        if self._holds(transaction.span.identifier, transaction.slot):
            raise RequestRefusedError("slot.in_use", slot=transaction.slot)
        self._fill(transaction, command.resume)
        self._transactions[transaction.identifier] = transaction
        return transaction

    def find(self, identifier: str) -> Transaction:
        """Return an open transaction. Raises `RequestRefusedError` where it is unknown."""
        transaction = self._transactions.get(identifier)
        if transaction is None:
            raise RequestRefusedError("transaction.unknown_here", transaction=identifier)
        return transaction

    def break_off(self, sender_key: str, host_key: str, identifiers: Iterable[str]) -> list[str]:
        """Return of which of the ids the host is to be told that they broke, each only once.

        They are open here and take steps from the holder of that key: another phone cannot make
        this one complain of what is not theirs, nor more often than the host wants to hear.
        """
        broken = []
        for identifier in identifiers:
            found = self._transactions.get(identifier)
            if found and not found.broken and found.takes_from(sender_key, host_key):
                found.broken = True
                broken.append(identifier)
        return broken

    def close(self, identifier: str, kept_steps: int = 0) -> None:
        """End a transaction and free its slot; so many of its first steps are kept there."""
        transaction = self.find(identifier)
        del self._transactions[identifier]
        beginning = transaction.beginning(kept_steps)
        if beginning is not None:
            self.kept.keep(transaction.place, KeptRows(identifier, beginning))

    def give_up_span(self, span: str) -> None:
        """Forget what its slots hold. Raises `RequestRefusedError` where a transaction needs it."""
        if self._holds(span):
            raise RequestRefusedError("span.in_use", span=span)
        self.kept.forget_span(span)

    def _fill(self, transaction: Transaction, resume: Resumption | None) -> None:
        """Let a transaction's slot hold what it resumes from, or nothing."""
        engine, found = transaction.span.engine, None
        if resume is not None:
            found = self._beginning(transaction.span, resume)
        self.kept.forget(transaction.place)
        if resume is None or found is None or resume.rows >= engine.shape.context_tokens:
            engine.forget(transaction.slot)
            return
        engine.begin_with(transaction.slot, resume.rows, resume.slot)
        transaction.transcript = found
        transaction.resumed_from, transaction.resumed_rows = resume.transaction, resume.rows

    def _beginning(self, span: LoadedSpan, resume: Resumption) -> Transcript | None:
        """Return the steps to resume from; None where the slot does not hold just these rows."""
        source = self._transactions.get(resume.transaction)
        place = (span.identifier, resume.slot)
        if source is not None:
            steps = source.beginning(resume.steps) if source.place == place else None
        else:
            kept = self.kept.find(place, resume.transaction)
            answers = span.engine.shape.has_head
            steps = kept and kept.beginning(resume.steps, answers=answers)
        if steps is None or steps.rows_of(resume.steps) != resume.rows:
            return None
        return steps

    @property
    def identifiers(self) -> tuple[str, ...]:
        """Ids of the open transactions."""
        return tuple(self._transactions)

    def _holds(self, span: str, slot: int | None = None) -> bool:
        return any(
            transaction.span.identifier == span and slot in (None, transaction.slot)
            for transaction in self._transactions.values()
        )

    def _described(self, command: Open, nonce: bytes) -> Transaction:
        span = self._spans.find(command.span)
        shape = span.engine.shape
        if (command.next is None) != shape.has_head:
            raise RequestRefusedError("hop.only_last_has_none")
        if command.first is not None and not shape.has_head:
            raise RequestRefusedError("hop.only_last_goes_on")
        if command.history is not None and not shape.has_head:
            raise RequestRefusedError("hop.only_last_goes_on")
        if command.slot >= shape.slots:
            raise RequestRefusedError("span.without_slot", span=command.span, slot=command.slot)
        return Transaction(
            identifier=command.transaction,
            span=span,
            stage=command.stage,
            slot=command.slot,
            sampling=command.sampling,
            next_hop=command.next,
            first_hop=command.first,
            end_tokens=frozenset(command.end_tokens),
            boundary=command.boundary,
            alternatives=command.alternatives,
            terms=command.terms,
            nonce=nonce,
            previous_key=command.previous,
            lookup=None if command.history is None else self._make_lookup(command),
            asked=command.asked,
        )
