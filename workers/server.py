"""The worker's main loop: takes messages one by one and hands them to commands or steps."""

from __future__ import annotations

import time
import traceback
from typing import Any, Final

from workers.commands import WorkerCommands
from workers.errors import ReportedError
from workers.log import log
from workers.network.inbox import Envelope, Misread
from workers.network.probing import answer_ping
from workers.protocol.between_phones.replica_messages import PeerMessage
from workers.protocol.codec import Asked
from workers.protocol.commands import Done, Ping, Stop
from workers.protocol.message import Reply, WorkerCommand
from workers.protocol.told import Failed, failure
from workers.replay_commands import ReplayCommands
from workers.replica_commands import ReplicaCommands
from workers.ring.parts import Handlers, WorkerParts
from workers.ring.steps import StepRunner
from workers.work_commands import WorkCommands

HOST_SILENCE_LIMIT_S: Final = 120.0
"""A worker that hears nothing from its host for this long ends by itself."""


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
        self._handlers: Handlers = {
            **commands.handlers,
            **work.handlers,
            **ReplayCommands(parts).handlers,
            **ReplicaCommands(parts).handlers,
            Ping: lambda command: answer_ping(command, self._steps.now_ns()),
            Stop: self._stop,
        }

    def serve(self) -> None:
        """Handle messages until `stop` arrives or the host has been silent too long."""
        while not self._stopping:
            envelope = self._parts.inbox.receive()
            if envelope is not None:
                self.handle(envelope)
            if time.monotonic() - self._parts.inbox.host_heard_s > self._host_silence_limit_s:
                log("nothing heard from the host: ending")
                return

    def handle(self, envelope: Envelope) -> None:
        """Carry out a command and answer it, or do a step."""
        content, sender_key = envelope.content, envelope.sender_key
        dropped = self._parts.inbox.dropped
        if isinstance(content, memoryview):
            self._steps.run(content, sender_key, envelope.arrived_ns, envelope.idle_ns)
            return
        if isinstance(content, PeerMessage):
            self._parts.replicas.take(sender_key, content)
            return
        by_host = sender_key == self._parts.admission.host_key
        if isinstance(content, Misread):
            dropped.note(sender_key, "misread", f"{content.error}")
            if by_host:
                self._answer(envelope.route, content.call, failure(content.error))
        elif by_host or isinstance(content.command, Ping):
            self._command(envelope.route, content)
        else:
            why = f"{content.command.kind} from a phone: only the host commands"
            dropped.note(sender_key, "command", why)

    def _command(self, route: bytes, asked: Asked) -> None:
        try:
            reply = self._carry_out(asked.command)
            if reply is not None:
                self._answer(route, asked.call, reply)
        except ReportedError as error:
            log(f"{asked.command.kind} failed: {error}")
            self._answer(route, asked.call, failure(error))

    def _answer(self, route: bytes, call: int, answer: Reply | Failed) -> None:
        """Answer whoever asked. Raises `WireError` where the answer is not within its bounds."""
        self._parts.inbox.send_to(route, answer, call)

    def _carry_out(self, command: WorkerCommand[Any]) -> Reply | None:
        try:
            return self._handlers[type(command)](command)
        except ReportedError:
            raise
        except Exception as error:
            traceback.print_exc()
            raise ReportedError("worker.surprised", kind=type(error).__name__) from error

    def _stop(self, _command: Stop) -> Done:
        self._stopping = True
        return Done()
