"""Commands about the worker itself: hello, measure, probe, admit, outlet, fault."""

from __future__ import annotations

import os

from workers.engine.measure import measure
from workers.engine.processor import numerical_class
from workers.errors import RequestRefusedError
from workers.log import log
from workers.network.outlet_intake import SECRET_BYTES
from workers.network.probing import probe
from workers.protocol.command_result import CommandResult
from workers.protocol.fields import Fields
from workers.protocol.wire import PROTOCOL_VERSION, Kind
from workers.ring.faults import FAULT_NAMES, InjectedFault
from workers.ring.parts import WorkerParts
from workers.ring.steps import StepRunner
from workers.version import VERSION

_NONCE_BYTES = 32
_KEY_CHARACTERS = 40
_MAXIMUM_TOKEN = 1 << 32
_MAXIMUM_FACTOR = 1_000.0


class WorkerCommands:
    """Each method takes a command's fields and raises a `WorkerError` where it cannot be done."""

    def __init__(self, parts: WorkerParts, steps: StepRunner) -> None:
        self._parts = parts
        self._steps = steps
        self.handlers = {
            Kind.HELLO: self.hello,
            Kind.MEASURE: self.measure,
            Kind.PROBE: self.probe,
            Kind.ADMIT: self.admit,
            Kind.OUTLET: self.outlet,
            Kind.FAULT: self.set_fault,
        }

    def hello(self, fields: Fields) -> CommandResult:
        """Say who this is and prove it."""
        protocol = fields.integer("protocol", 0, 1 << 16)
        if protocol != PROTOCOL_VERSION:
            raise RequestRefusedError(f"this worker speaks protocol {PROTOCOL_VERSION}")
        return CommandResult(
            {
                "protocol": PROTOCOL_VERSION,
                "version": VERSION,
                "public_key": self._parts.identity.public_key,
                "proof": self._parts.identity.prove(fields.binary("nonce", _NONCE_BYTES)),
                "numerical_class": numerical_class(self._parts.threads),
                "process_id": os.getpid(),
                "threads": self._parts.threads,
                "spans": self._parts.spans.identifiers,
                "transactions": self._parts.transactions.identifiers,
            }
        )

    def measure(self, _fields: Fields) -> CommandResult:
        """Run the canary."""
        return CommandResult(measure(self._parts.threads))

    def probe(self, fields: Fields) -> CommandResult:
        """Measure the way to another phone."""
        return probe(self._parts.links, fields)

    def admit(self, fields: Fields) -> CommandResult:
        """Replace the list of phones that may send steps."""
        keys = fields.items("keys")
        if not all(isinstance(key, str) and len(key) == _KEY_CHARACTERS for key in keys):
            raise RequestRefusedError("a CURVE key has 40 characters")
        self._parts.admission.replace(frozenset(keys))
        return CommandResult()

    def outlet(self, fields: Fields) -> CommandResult:
        """Open a port here whose connections the host leads to the phone with that key."""
        secret = fields.binary("secret", SECRET_BYTES)
        ports = self._parts.outlets.open(fields.text("key"), secret)
        endpoint = self._parts.links.pass_no_proxy_to(ports.port)
        return CommandResult({"endpoint": endpoint, "intake_port": ports.intake_port})

    def set_fault(self, fields: Fields) -> CommandResult:
        """Set the fault this worker shows from now on; `none` lifts it."""
        name = fields.text("fault")
        if name not in FAULT_NAMES:
            raise RequestRefusedError(f"fault {name!r} is not known")
        token = fields.integer("token", 1, _MAXIMUM_TOKEN)
        factor = fields.number("factor", 1, _MAXIMUM_FACTOR)
        self._steps.fault = InjectedFault(name, token, factor)
        log(f"fault set: {name} from token {token}")
        return CommandResult()
