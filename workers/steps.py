"""One step of the ring: check it, compute it, pass it on, record it.

It is recorded after it was sent, so that hashing overlaps with the next phone's work; no command
is looked at in between.
"""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from typing import Any

import numpy as np

from workers.errors import RequestRefusedError, WorkerError
from workers.faults import InjectedFault
from workers.fields import Fields
from workers.inbox import Envelope
from workers.log import log
from workers.parts import WorkerParts
from workers.sampling import choose_token
from workers.transactions import Transaction
from workers.wire import Kind, Tensor, encode

_MAXIMUM_COUNT = 1 << 32
_NO_TOKEN = -1


@dataclass(frozen=True)
class _Step:
    number: int
    position: int
    wants_token: bool
    generated: int
    trace: list[Any]
    inputs: Tensor
    arrived_ns: int


@dataclass(frozen=True)
class _Answer:
    """What a stage sends on: hidden states, or a token with its log-probability."""

    tensor: Tensor
    token: int | None = None
    log_probability: float | None = None


class StepRunner:
    """Runs steps for this worker's open transactions."""

    def __init__(self, parts: WorkerParts) -> None:
        self._serial = parts.serial
        self._transactions = parts.transactions
        self._links = parts.links
        self._inbox = parts.inbox
        self._board = parts.board
        self._host_key = parts.admission.host_key
        self.fault = InjectedFault()

    def run(self, envelope: Envelope) -> None:
        """Do a step; where that fails the host is told with `broken`."""
        identifier = envelope.message.fields.get("transaction")
        try:
            name = Fields(envelope.message.fields).text("transaction")
            transaction = self._transactions.find(name)
            if envelope.sender_key != (transaction.previous_key or self._host_key):
                log(f"a step of transaction {name} did not come from the stage before: dropped")
                return
            self._run(transaction, _read_step(envelope))
        except WorkerError as error:
            self._report(identifier, str(error))
        except Exception as error:  # noqa: BLE001 - one bad step must not end the worker
            traceback.print_exc()
            self._report(identifier, f"{type(error).__name__} in the worker; see its log")

    def _report(self, transaction: object, reason: str) -> None:
        log(f"step of transaction {transaction!r:.80} failed: {reason}")
        fields = {"transaction": transaction, "serial": self._serial, "reason": reason}
        self._inbox.send_to_host(Kind.BROKEN, fields)

    def _run(self, transaction: Transaction, step: _Step) -> None:
        _check_order(transaction, step)
        transaction.transcript.check_room(step.inputs)
        started_ns = time.perf_counter_ns()
        self._board.start_step()
        try:
            answer = self._compute(transaction, step)
        finally:
            self._board.finish_step()
        compute_us = (time.perf_counter_ns() - started_ns) // 1000
        queue_us = (started_ns - step.arrived_ns) // 1000
        trace = [*step.trace, [self._serial, compute_us, queue_us]]
        self._send(transaction, step, answer, trace)
        transaction.transcript.record(step.position, step.inputs, answer.tensor)
        transaction.generated = max(transaction.generated, step.generated)

    def _compute(self, transaction: Transaction, step: _Step) -> _Answer:
        self.fault.before_computing(step.generated)
        started_s = time.perf_counter()
        engine = transaction.span.engine
        outputs = engine.run(transaction.slot, step.position, step.inputs)
        if engine.shape.has_head:
            answer = self._choose(transaction, step, outputs[0])
        else:
            answer = _Answer(self.fault.alter_hidden(step.generated, outputs))
        self.fault.stretch(step.generated, time.perf_counter() - started_s)
        return answer

    def _choose(self, transaction: Transaction, step: _Step, logits: Tensor) -> _Answer:
        if not step.wants_token:
            return _Answer(np.array([_NO_TOKEN], np.int64))
        position = step.position + step.inputs.shape[1]
        token, log_probability = choose_token(logits, transaction.sampling, position)
        token = self.fault.alter_token(step.generated, token, len(logits))
        return _Answer(np.array([token], np.int64), token, log_probability)

    def _send(
        self, transaction: Transaction, step: _Step, answer: _Answer, trace: list[Any]
    ) -> None:
        fields = {
            "transaction": transaction.identifier,
            "step": step.number,
            "generated": step.generated,
            "trace": trace,
        }
        if transaction.next_hop is None:
            result = {"token": answer.token, "log_probability": answer.log_probability}
            self._inbox.send_to_host(Kind.TOKEN, {**fields, **result})
        else:
            place = {"position": step.position, "wants_token": step.wants_token}
            frames = encode(Kind.STEP, {**fields, **place}, [answer.tensor])
            self._links.send(transaction.next_hop, frames)


def _read_step(envelope: Envelope) -> _Step:
    fields = Fields(envelope.message.fields)
    if len(envelope.message.tensors) != 1 or envelope.message.tensors[0].ndim < 2:
        raise RequestRefusedError("a step carries one tensor of rows")
    return _Step(
        number=fields.integer("step", 0, _MAXIMUM_COUNT),
        position=fields.integer("position", 0, _MAXIMUM_COUNT),
        wants_token=fields.flag("wants_token"),
        generated=fields.integer("generated", 0, _MAXIMUM_COUNT),
        trace=fields.items("trace"),
        inputs=envelope.message.tensors[0],
        arrived_ns=envelope.arrived_ns,
    )


def _check_order(transaction: Transaction, step: _Step) -> None:
    if transaction.receipt is not None:
        raise RequestRefusedError("the transaction is sealed")
    expected = transaction.transcript.next_step
    if step.number != expected:
        raise RequestRefusedError(f"step {step.number} came where step {expected} was due")
