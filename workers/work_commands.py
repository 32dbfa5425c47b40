"""Commands about work: spans loaded and unloaded, transactions opened, sealed and closed."""

from __future__ import annotations

import time

from workers.engine.processor import numerical_class, resident_bytes
from workers.errors import RequestRefusedError
from workers.identity.receipts import ReceiptBody
from workers.log import log
from workers.protocol.command_result import CommandResult
from workers.protocol.fields import Fields
from workers.protocol.wire import Kind
from workers.ring.faults import FaultName
from workers.ring.parts import WorkerParts
from workers.ring.steps import StepRunner
from workers.ring.transactions import Transaction

_MAXIMUM_COUNT = 1 << 32
_MAXIMUM_EXCERPT_BYTES = 64 << 20


class WorkCommands:
    """Each method takes a command's fields and raises a `WorkerError` where it cannot be done."""

    def __init__(self, parts: WorkerParts, steps: StepRunner) -> None:
        self._parts = parts
        self._steps = steps
        self.handlers = {
            Kind.LOAD: self.load,
            Kind.UNLOAD: self.unload,
            Kind.OPEN: self.open,
            Kind.SEAL: self.seal,
            Kind.TRANSCRIPT: self.transcript,
            Kind.CLOSE: self.close,
        }

    def load(self, fields: Fields) -> CommandResult:
        """Verify and load a span."""
        started_s = time.perf_counter()
        span = self._parts.spans.load(fields)
        self._holdings_changed()
        load_ms = (time.perf_counter() - started_s) * 1000
        log(f"span {span.identifier} loaded in {load_ms:.0f} ms")
        return CommandResult(
            {
                "load_ms": load_ms,
                "resident_bytes": resident_bytes(),
                "kv_bytes": span.engine.kv_bytes,
            }
        )

    def unload(self, fields: Fields) -> CommandResult:
        """Let go of a span no transaction needs."""
        identifier = fields.text("span")
        self._parts.transactions.check_unused(identifier)
        self._parts.spans.unload(identifier)
        self._holdings_changed()
        return CommandResult()

    def open(self, fields: Fields) -> CommandResult:
        """Open a transaction in a free slot and begin connecting to where its steps go on."""
        transaction = self._parts.transactions.open(fields)
        try:
            for hop in (transaction.next_hop, transaction.first_hop):
                if hop is not None:
                    self._parts.links.connect(hop)
        except RequestRefusedError:
            self._parts.transactions.close(transaction.identifier)
            raise
        self._holdings_changed()
        return CommandResult()

    def seal(self, fields: Fields) -> CommandResult | None:
        """Sign for a transaction once; the same receipt ever after. None where withheld.

        It covers no more steps than the host sent: what other phones sent besides is not work.
        """
        transaction = self._parts.transactions.find(fields.text("transaction"))
        if self._steps.fault.is_active(FaultName.WITHHELD_RECEIPT, transaction.generated):
            log(f"receipt of transaction {transaction.identifier} withheld")
            return None
        if transaction.receipt is None:
            steps = fields.integer("steps", 0, _MAXIMUM_COUNT)
            transaction.receipt = self._parts.identity.sign(self._receipt(transaction, steps))
        receipt, signature = transaction.receipt
        return CommandResult({"receipt": receipt, "signature": signature})

    def transcript(self, fields: Fields) -> CommandResult:
        """Return inputs as they arrived, for an audit; as many as fit one message."""
        transaction = self._parts.transactions.find(fields.text("transaction"))
        recorded = transaction.transcript.excerpt(
            fields.integer("first_step", 0, _MAXIMUM_COUNT),
            fields.integer("count", 1, _MAXIMUM_COUNT),
            _MAXIMUM_EXCERPT_BYTES,
        )
        steps = [{"step": step.step, "position": step.position} for step in recorded]
        return CommandResult({"steps": steps}, tuple(step.inputs for step in recorded))

    def close(self, fields: Fields) -> CommandResult:
        """Forget a transaction and free its slot."""
        self._parts.transactions.close(fields.text("transaction"))
        self._holdings_changed()
        return CommandResult()

    def _receipt(self, transaction: Transaction, steps: int) -> ReceiptBody:
        span, sealed = transaction.span, transaction.transcript.seal(steps)
        return ReceiptBody(
            transaction=transaction.identifier,
            stage=transaction.stage,
            serial=self._parts.serial,
            span=span.identifier,
            graph=span.graph,
            first_layer=span.engine.shape.first_layer,
            last_layer=span.engine.shape.last_layer,
            input_root=sealed.input_root.hex(),
            output_root=sealed.output_root.hex(),
            steps=sealed.steps,
            tokens=sealed.tokens,
            sequence=self._parts.identity.next_sequence(),
            numerical_class=numerical_class(span.threads),
        )

    def _holdings_changed(self) -> None:
        spans, transactions = self._parts.spans, self._parts.transactions
        self._parts.sleep.ask(light=bool(transactions.identifiers))
        self._parts.board.post_holdings(spans.kv_bytes, spans.identifiers, transactions.identifiers)
