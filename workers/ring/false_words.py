"""What a worker says that no honest one says, beside or in place of passing a step on."""

from __future__ import annotations

from typing import Final, Protocol

from workers.fault_names import FaultName
from workers.protocol.message import Message
from workers.protocol.step_message import Step, StepRow, read_step, step_frame
from workers.protocol.told import Broken, Token, ToldToken
from workers.ring.faults import InjectedFault

NOBODY: Final = "nobody"
"""The serial that a false report names."""
_SAID_TOKEN: Final = 5


class Host(Protocol):
    """Where messages to the host go."""

    def send_to_host(self, message: Message, call: int | None = None) -> None:
        """Send a message. Raises `WireError`."""
        ...


def speak_falsely(fault: InjectedFault, host: Host, row: StepRow) -> bool:
    """Say what the fault says of a step; tell whether that takes the place of passing it on."""
    if fault.is_active(FaultName.EARLY_ANSWER, row.generated):
        token = _SAID_TOKEN if row.wants_token else None
        told = ToldToken(row.transaction, row.step, row.generated, token, -0.1, (), goes_on=False)
        host.send_to_host(Token((told,), ()))
    if fault.is_active(FaultName.FALSE_REPORT, row.generated):
        host.send_to_host(Broken((row.transaction,), NOBODY, "is tired", ""))
        return True
    return False


def misnumbered(fault: InjectedFault, step: Step) -> Step:
    """Return a step under the number of the next one, where the fault says so."""
    if not fault.is_active(FaultName.WRONG_STEP, step.rows[0].generated):
        return step
    rows = tuple(row._replace(step=row.step + 1) for row in step.rows)
    frame = memoryview(step_frame(rows, (), step.inputs))
    return step._replace(rows=rows, table=read_step(frame).table)
