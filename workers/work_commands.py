"""Commands about work: spans loaded and unloaded, transactions opened, sealed and closed."""

from __future__ import annotations

import time
from typing import Final

import numpy as np

from workers.engine.processor import numerical_class, resident_bytes
from workers.engine.spans import LoadedSpan
from workers.errors import EngineError, RequestRefusedError
from workers.fault_names import FaultName
from workers.identity.digests import sampling_digest, shard_digest
from workers.identity.receipts import ReceiptBody
from workers.log import log
from workers.pledges.work_times import TIMES_DOMAIN, WorkTimes, times_bytes
from workers.protocol.commands import (
    Close,
    Done,
    Excerpt,
    Load,
    Loaded,
    Open,
    Opened,
    Seal,
    Sealed,
    ShownStep,
    ShowTranscript,
    Steer,
    Unload,
)
from workers.protocol.replay_commands import Grounds, ShowGrounds
from workers.protocol.sampling_rule import Steering
from workers.ring.false_papers import (
    check_disk,
    false_body,
    false_excerpt,
    false_grounds,
    false_signature,
    false_times,
)
from workers.ring.parts import Handlers, WorkerParts
from workers.ring.steps import StepRunner
from workers.ring.transactions import Transaction

_MAXIMUM_EXCERPT_BYTES = 64 << 20
_NO_NUMBERS: Final = np.zeros(0, np.float32)


class WorkCommands:
    """Each method carries out a command, and raises a `ReportedError` where that cannot be."""

    def __init__(self, parts: WorkerParts, steps: StepRunner) -> None:
        self._parts = parts
        self._steps = steps
        self.handlers: Handlers = {
            Load: self.load,
            Unload: self.unload,
            Open: self.open,
            Steer: self.steer,
            Seal: self.seal,
            ShowTranscript: self.transcript,
            ShowGrounds: self.grounds,
            Close: self.close,
        }

    def load(self, command: Load) -> Loaded:
        """Verify and load a span."""
        started_s = time.perf_counter()
        span = self._load(command)
        self._holdings_changed()
        load_ms = (time.perf_counter() - started_s) * 1000
        log(f"span {span.identifier} loaded in {load_ms:.0f} ms")
        return Loaded(load_ms, resident_bytes(), span.engine.kv_bytes)

    def _load(self, command: Load) -> LoadedSpan:
        """Load a span; where memory is short, what was kept for later is given up for it."""
        try:
            return self._parts.spans.load(command)
        except EngineError:
            kept = self._parts.transactions.kept
            if kept.size_bytes == 0:
                raise
            kept.clear()
            return self._parts.spans.load(command)

    def unload(self, command: Unload) -> Done:
        """Let go of a span no transaction needs."""
        self._parts.transactions.give_up_span(command.span)
        self._parts.spans.unload(command.span)
        self._holdings_changed()
        return Done()

    def open(self, command: Open) -> Opened:
        """Open a transaction in a free slot and begin connecting to where its steps go on.

        One that this phone signed for is never opened again, nor after a restart.
        """
        identity = self._parts.identity
        if identity.has_signed(command.transaction):
            raise RequestRefusedError("transaction.signed_already", transaction=command.transaction)
        transaction = self._parts.transactions.open(command, identity.opening_nonce())
        try:
            for hop in (transaction.next_hop, transaction.first_hop):
                if hop is not None:
                    self._parts.links.connect(hop)
        except RequestRefusedError:
            self._parts.transactions.close(transaction.identifier)
            raise
        self._holdings_changed()
        return Opened(resumed=bool(transaction.resumed_from), nonce=transaction.nonce)

    def steer(self, command: Steer) -> Done:
        """Note how one token is to be chosen; a mask that cannot be read is refused at once."""
        transaction = self._parts.transactions.find(command.transaction)
        if not transaction.span.engine.shape.has_head:
            raise RequestRefusedError("steering.not_here")
        transaction.steering = (
            command.generated,
            Steering(command.allowed, command.added, command.repeated, command.repetition),
        )
        return Done()

    def seal(self, command: Seal) -> Sealed | None:
        """Sign for a transaction once; the same receipt ever after. None where withheld.

        It covers no more steps than the host sent: what other phones sent besides is not work. Nor
        drafts of which nobody has said that they are right: those may have been withdrawn.
        """
        transaction = self._parts.transactions.find(command.transaction)
        if self._steps.fault.is_active(FaultName.WITHHELD_RECEIPT, transaction.generated):
            log(f"receipt of transaction {transaction.identifier} withheld")
            return None
        if transaction.receipt is None:
            transaction.receipt = self._sign(transaction, command)
            transaction.times = self._times(transaction)
            self._parts.replicas.publish_receipt(*transaction.receipt)
        return Sealed(*transaction.receipt, *transaction.times)

    def _sign(self, transaction: Transaction, command: Seal) -> tuple[bytes, bytes]:
        fault, generated = self._steps.fault, transaction.generated
        check_disk(fault, generated)
        certain = max(transaction.certain_steps, command.done)
        body = self._receipt(transaction, min(command.steps, certain))
        body = false_body(fault, generated, body)
        receipt, signature = self._parts.identity.sign(body)
        return receipt, false_signature(fault, generated, body, signature)

    def _times(self, transaction: Transaction) -> tuple[bytes, bytes]:
        """Sign for what the steps took, of each transaction: nothing tells which is looked at.

        Nothing is said where nothing was timed.
        """
        if not transaction.timed_steps:
            return b"", b""
        data = times_bytes(
            false_times(self._steps.fault, transaction.generated, self._work_times(transaction))
        )
        return data, self._parts.identity.sign_times(TIMES_DOMAIN, data)

    def _work_times(self, transaction: Transaction) -> WorkTimes:
        steps, taken_us = transaction.timed_steps, transaction.timed_us
        weight_bytes = sum(each.size_bytes for each in transaction.span.weights)
        memory_bytes = self._parts.memory_bytes()
        claim = self._parts.pledge.claim(steps, taken_us, weight_bytes, memory_bytes)
        return WorkTimes(
            transaction=transaction.identifier,
            stage=transaction.stage,
            serial=self._parts.serial,
            host_key=transaction.terms.host_key,
            nonce=transaction.nonce.hex(),
            steps=steps,
            taken_us=taken_us,
            weight_bytes=weight_bytes,
            claimed_rate=claim.rate,
            claimed_overhead_us=claim.overhead_us,
            memory_bytes=memory_bytes,
            claimed_memory_bytes=claim.memory_bytes,
        )

    def transcript(self, command: ShowTranscript) -> Excerpt:
        """Return inputs as they arrived, for an audit; as many as fit one message."""
        transaction = self._parts.transactions.find(command.transaction)
        recorded = transaction.transcript.excerpt(
            command.first_step, command.count, _MAXIMUM_EXCERPT_BYTES
        )
        steps = tuple(ShownStep(step.step, step.position) for step in recorded)
        excerpt = Excerpt(steps, tuple(step.inputs for step in recorded))
        return false_excerpt(self._steps.fault, transaction.generated, excerpt)

    def grounds(self, command: ShowGrounds) -> Grounds:
        """Return what tokens rest on, for an audit."""
        transaction = self._parts.transactions.find(command.transaction)
        shown = transaction.transcript.grounds(command.first_step, command.count)
        tensors = [_NO_NUMBERS if each is None else each for each in shown]
        return Grounds(false_grounds(self._steps.fault, transaction.generated, tensors))

    def close(self, command: Close) -> Done:
        """End a transaction and free its slot."""
        self._parts.transactions.close(command.transaction, command.kept_steps)
        self._holdings_changed()
        return Done()

    def _receipt(self, transaction: Transaction, steps: int) -> ReceiptBody:
        span, sealed = transaction.span, transaction.transcript.seal(steps)
        return ReceiptBody(
            transaction=transaction.identifier,
            stage=transaction.stage,
            serial=self._parts.serial,
            span=span.identifier,
            graph=span.graph,
            blocks=span.engine.shape.blocks,
            input_root=sealed.input_root.hex(),
            output_root=sealed.output_root.hex(),
            steps=sealed.steps,
            tokens=sealed.tokens,
            numerical_class=numerical_class(span.threads),
            nonce=transaction.nonce.hex(),
            terms=transaction.terms,
            shard=shard_digest(span.graph, span.weights),
            sampling=sampling_digest(transaction.sampling),
            alternatives=transaction.alternatives,
            boundary=transaction.boundary,
            cache=span.engine.shape.cache,
            resumed_from=transaction.resumed_from,
            resumed_rows=transaction.resumed_rows,
            choices=sealed.choices_root.hex(),
            grounds=sealed.grounds_root.hex(),
        )

    def _holdings_changed(self) -> None:
        spans, transactions = self._parts.spans, self._parts.transactions
        self._parts.sleep.ask(light=bool(transactions.identifiers))
        self._parts.board.post_holdings(spans.kv_bytes, spans.identifiers, transactions.identifiers)
