"""Sets a fault and lifts it, whoever brings it about; what a crash left set is lifted too."""

from __future__ import annotations

from app.core.errors import BadInputError, PhoneLostError, WorkerError, reason_of
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.faults.catalogue import Fault, check_fault
from app.faults.specifications import BroughtBy
from app.pipeline.worker_client import WorkerClient
from app.rack.context import RackContext
from app.rack.faults.host_faults import befall_host
from app.rack.faults.injected_file import InjectedFile
from app.rack.faults.virtual_faults import VirtualFaults
from app.rack.home import Home
from app.rack.ledger_thread import LedgerThread
from app.rack.phones.fleet import Fleet
from app.rack.phones.phone import Phone
from app.rack.phones.started_phones import StartedPhones
from app.rack.snapshot import TimelineKind
from workers.fault_names import FaultName
from workers.protocol.commands import SetFault


class FaultInjector:
    """Every fault of a rack goes through here. Lives on the service loop."""

    def __init__(
        self,
        context: RackContext,
        fleet: Fleet,
        started: StartedPhones,
        ledger_thread: LedgerThread,
        home: Home,
    ) -> None:
        self._context = context
        self._fleet = fleet
        self._own = started.serials
        self._virtual = VirtualFaults(started, context.pool)
        self._ledger_thread = ledger_thread
        self._file = InjectedFile(home.folder)
        self._left_behind: dict[Serial, str] = {}
        fleet.on_joined(self._look_after)

    async def start(self) -> None:
        """Read what the rack before this one left set."""
        self._left_behind = await self._context.pool.run(self._file.left_behind)

    async def stop(self) -> None:
        """Forget faults whose workers have ended; of phones that were never seen they stay."""
        await self._context.pool.run(self._file.forget, frozenset(self._left_behind))

    def check(self, fault: Fault) -> None:
        """Raise `BadInputError` for what cannot be brought about on this rack."""
        check_fault(fault)
        if fault.specification.by is BroughtBy.HOST:
            return
        self._fleet.phone(fault.serial)
        if fault.befalls_phone and fault.serial not in self._own:
            raise BadInputError("phone.not_simulated", phone=fault.serial)

    async def inject(self, fault: Fault) -> None:
        """Set a fault. Raises `BadInputError`, `PhoneLostError` where it cannot be set."""
        self.check(fault)
        if fault.specification.by is BroughtBy.HOST:
            self._tell(TimelineKind.FAULT, Fact("fault.on_host", fault=fault.kind), None)
            await befall_host(fault, self._ledger_thread)
            return
        phone = self._fleet.phone(fault.serial)
        await self._note(fault)
        if fault.befalls_phone:
            await self._virtual.begin(fault)
        elif phone.client is None:
            raise PhoneLostError("fault.no_worker", phone=phone.name)
        else:
            name = FaultName(fault.kind.value)
            await phone.client.call(
                SetFault(name, fault.token, fault.dose, fault.share, fault.seed)
            )
        if not fault.passes:
            phone.fault = fault
        told = Fact("fault.injected", phone=phone.name, fault=fault.kind)
        self._tell(TimelineKind.FAULT, told, phone.serial)

    async def lift(self, serial: Serial) -> None:
        """Lift the fault from a phone; a worker that is gone is started again."""
        phone = self._fleet.phone(serial)
        if phone.fault is not None and phone.fault.befalls_phone:
            await self._virtual.end(phone.fault)
        elif phone.usable and phone.client is not None and not phone.client.lost:
            await phone.client.call(SetFault(FaultName.NONE))
        else:
            await self._fleet.relaunch(phone)
        phone.fault = None
        await self._context.pool.run(self._file.end, serial)
        self._tell(TimelineKind.INFO, Fact("fault.lifted", phone=phone.name), serial)

    async def _note(self, fault: Fault) -> None:
        """Write down what is about to be set. Raises `BadInputError` where the disk is full."""
        try:
            await self._context.pool.run(self._file.begin, fault)
        except OSError as error:
            raise BadInputError("fault.not_noted", reason=reason_of(error)) from None

    def _look_after(self, phone: Phone) -> None:
        """Undo on a phone that is back what the last run of this program left set."""
        if phone.serial in self._left_behind and phone.client is not None:
            self._context.nursery.start_soon(
                self._undo(phone, phone.client), f"lifting of an old fault of {phone.serial}"
            )

    async def _undo(self, phone: Phone, client: WorkerClient) -> None:
        """Lift what was left; a phone that does not answer is tried again when it is back."""
        try:
            await client.call(SetFault(FaultName.NONE))
        except (PhoneLostError, WorkerError):
            return
        if self._left_behind.pop(phone.serial, None) is None:
            return
        if phone.fault is None:
            await self._context.pool.run(self._file.end, phone.serial)
        self._tell(TimelineKind.INFO, Fact("fault.undone", phone=phone.name), phone.serial)

    def _tell(self, kind: TimelineKind, told: Fact, serial: Serial | None) -> None:
        self._context.timeline.add(kind, told, serial)
        self._context.changed()
