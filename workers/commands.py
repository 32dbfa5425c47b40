"""Commands about the worker itself: hello, measure, probe, admit, outlet, heads, fault."""

from __future__ import annotations

import os
from typing import Final

from workers.engine.measure import measure
from workers.engine.processor import numerical_class
from workers.fault_names import FaultName
from workers.log import log
from workers.network.probing import probe
from workers.protocol.commands import (
    Admit,
    Cosign,
    Cosigned,
    Done,
    HeldHead,
    Hello,
    Introduction,
    Measure,
    Measured,
    OpenOutlet,
    OutletOpened,
    Probe,
    Probed,
    SetFault,
    ShowHead,
)
from workers.protocol.wire import PROTOCOL_VERSION
from workers.ring.faults import InjectedFault
from workers.ring.parts import Handlers, WorkerParts
from workers.ring.steps import StepRunner
from workers.version import VERSION

MOST_HOARDED_MIB: Final = 1024
"""What a fault may take of a phone's memory."""


class WorkerCommands:
    """Each method carries out a command, and raises a `ReportedError` where that cannot be."""

    def __init__(self, parts: WorkerParts, steps: StepRunner) -> None:
        self._parts = parts
        self._steps = steps
        self._hoard = b""
        self.handlers: Handlers = {
            Hello: self.hello,
            Measure: self.measure,
            Probe: self.probe,
            Admit: self.admit,
            OpenOutlet: self.outlet,
            SetFault: self.set_fault,
            ShowHead: self.show_head,
            Cosign: self.cosign,
        }

    def hello(self, command: Hello) -> Introduction:
        """Say who this is and prove it."""
        parts = self._parts
        return Introduction(
            protocol=PROTOCOL_VERSION,
            version=VERSION,
            public_key=parts.identity.public_key,
            proof=parts.identity.prove(
                command.nonce, parts.serial, parts.transport_key, command.host_key
            ),
            numerical_class=numerical_class(parts.threads),
            process_id=os.getpid(),
            threads=parts.threads,
            spans=parts.spans.identifiers,
            transactions=parts.transactions.identifiers,
        )

    def measure(self, _command: Measure) -> Measured:
        """Run the canary; what it shows is what this phone stands by."""
        measured = measure(self._parts.threads)
        self._parts.pledge.note_speed(measured)
        return measured

    def probe(self, command: Probe) -> Probed:
        """Measure the way to another phone."""
        return probe(self._parts.links, command)

    def admit(self, command: Admit) -> Done:
        """Replace the list of phones that may send steps."""
        self._parts.admission.replace(frozenset(command.keys))
        return Done()

    def outlet(self, command: OpenOutlet) -> OutletOpened:
        """Open a port here whose connections the host leads to the phone with that key."""
        ports = self._parts.outlets.open(command.key, command.secret)
        endpoint = self._parts.links.pass_no_proxy_to(ports.port)
        return OutletOpened(endpoint, ports.intake_port)

    def show_head(self, command: ShowHead) -> HeldHead:
        """Show the newest head of a ledger that this phone holds."""
        return HeldHead(self._parts.identity.witness.held(command.log_key))

    def cosign(self, command: Cosign) -> Cosigned:
        """Sign a head that undoes nothing of what this phone has seen."""
        line = self._parts.identity.witness.cosign(command.note, command.proof)
        self._parts.replicas.publish_head(command.note)
        return Cosigned(line)

    def set_fault(self, command: SetFault) -> Done:
        """Set the fault this worker shows from now on; `none` lifts it."""
        self._hoard = b""
        if command.fault is FaultName.MEMORY_HOG:
            mebibytes = min(int(command.amount), MOST_HOARDED_MIB)
            self._hoard = os.urandom(1 << 20) * mebibytes
        self._steps.fault = InjectedFault(
            command.fault, command.token, command.amount, command.share, command.seed
        )
        log(f"fault set: {command.fault} from token {command.token}")
        return Done()
