"""The worker's main loop: takes messages one by one and hands them to commands or steps."""

from __future__ import annotations

import time
import traceback
from typing import Final

from workers.commands import WorkerCommands
from workers.errors import ReportedError
from workers.log import log
from workers.network.inbox import Envelope
from workers.network.probing import answer_ping
from workers.protocol.command_result import CommandResult
from workers.protocol.fields import Fields
from workers.protocol.wire import Kind, Message
from workers.ring.parts import WorkerParts
from workers.ring.steps import StepRunner
from workers.work_commands import WorkCommands

HOST_SILENCE_LIMIT_S: Final = 120.0
"""A worker that hears nothing from its host for this long ends by itself."""
_MAXIMUM_CALL: Final = 1 << 62


class WorkerServer:
    """Serves one host until told to stop or left alone."""

    def __init__(
        self, parts: WorkerParts, host_silence_limit_s: float = HOST_SILENCE_LIMIT_S
    ) -> None:
        self._parts = parts
        self._host_silence_limit_s = host_silence_limit_s
        self._stopping = False
        self._steps = StepRunner(parts)
        commands = WorkerCommands(parts, self._steps)
        work = WorkCommands(parts, self._steps)
        self._handlers = {**commands.handlers, **work.handlers, Kind.STOP: self._stop}

    def serve(self) -> None:
        """Handle messages until `stop` arrives or the host has been silent too long."""
        while not self._stopping:
            envelope = self._parts.inbox.receive()
            if envelope is not None:
                self._handle(envelope)
            if time.monotonic() - self._parts.inbox.host_heard_s > self._host_silence_limit_s:
                log("nothing heard from the host: ending")
                return

    def _handle(self, envelope: Envelope) -> None:
        content = envelope.content
        if isinstance(content, memoryview):
            self._steps.run(content, envelope.sender_key, envelope.arrived_ns)
        elif content.kind == Kind.PING:
            self._answer(content, envelope.route)
        elif envelope.sender_key != self._parts.admission.host_key:
            log(f"dropped a {content.kind!r:.34} from a phone: only the host commands")
        else:
            self._command(content)

    def _answer(self, message: Message, route: bytes) -> None:
        """Answer a ping, whoever admitted it comes from."""
        fields = Fields(message.fields)
        try:
            call = fields.integer("call", 0, _MAXIMUM_CALL)
            result = answer_ping(fields)
        except ReportedError as error:
            log(f"dropped a ping: {error}")
            return
        self._parts.inbox.send_to(route, Kind.DONE, {"call": call}, result.tensors)

    def _command(self, message: Message) -> None:
        call = message.fields.get("call")
        if type(call) is not int:
            log(f"dropped a {message.kind!r:.34} without a call number")
            return
        try:
            result = self._carry_out(message)
        except ReportedError as error:
            log(f"{message.kind} failed: {error}")
            self._parts.inbox.send_to_host(Kind.FAILED, {"call": call, "reason": str(error)})
            return
        if result is not None:
            fields = {**result.fields, "call": call}
            self._parts.inbox.send_to_host(Kind.DONE, fields, result.tensors)

    def _carry_out(self, message: Message) -> CommandResult | None:
        handler = self._handlers.get(message.kind)
        if handler is None:
            raise ReportedError(f"command {message.kind!r:.34} is not known")
        try:
            return handler(Fields(message.fields))
        except ReportedError:
            raise
        except Exception as error:
            traceback.print_exc()
            raise ReportedError(f"{type(error).__name__} in the worker; see its log") from error

    def _stop(self, _fields: Fields) -> CommandResult:
        self._stopping = True
        return CommandResult()
