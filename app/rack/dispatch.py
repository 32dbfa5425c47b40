"""From a command to what carries it out: the one place that knows both."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import assert_never, cast

from app.rack.commands import (
    AddStake,
    AnyCommand,
    Apply,
    Ask,
    Cancel,
    ClearFault,
    Compare,
    CompareReceipts,
    ConfirmClass,
    Examine,
    Foresee,
    Identify,
    Inject,
    InspectPhone,
    KeepEvidence,
    MeasureLinks,
    ReadJournal,
    Release,
    Replan,
    RequestAssignment,
    RestartWorker,
    SetBalancing,
    SetChecks,
    SetMemoryShare,
    StartExperiment,
    StopExperiment,
    StopPayments,
    SubmitStatement,
    TakePhone,
    UseModel,
)
from app.rack.commands.command import Command, Result
from app.rack.commands.pairing import AddPlace, PairByCode, PairByQr, WatchPairing
from app.rack.phones.connecting import Connector
from app.rack.rack import Rack


async def carry_out(rack: Rack, command: Command[Result]) -> Result:
    """Return the command's result. Raises `ShardloomError` where it cannot be carried out."""
    work = _work_of(rack, cast(AnyCommand, command))
    return await cast(Awaitable[Result], work)  # `_gives` had each case checked


def _work_of(  # noqa: C901, PLR0911, PLR0912 - a case for each command
    rack: Rack, command: AnyCommand
) -> Awaitable[object]:
    match command:
        case Ask():
            return _gives(command, rack.ask(command))
        case Cancel(request):
            return _gives(command, rack.request_queue.cancel(request))
        case RequestAssignment(assignment):
            return _gives(command, rack.request_assignment(assignment))
        case Replan(objective, pins, conditions):
            return _gives(command, rack.assigner.replan(objective, pins, conditions))
        case Compare():
            return _gives(command, rack.compare())
        case Foresee(models):
            return _gives(command, rack.foresee(models))
        case Apply():
            return _gives(command, rack.apply())
        case SetBalancing(mode):
            return _gives(command, rack.set_balancing(mode))
        case SetChecks(audit_rate, mode, verifiers):
            return _gives(command, rack.checks.set(audit_rate, mode, verifiers=verifiers))
        case UseModel(name):
            return _gives(command, rack.use_model(name))
        case CompareReceipts():
            return _gives(command, rack.on_phones.compare())
        case MeasureLinks():
            return _gives(command, rack.measure_links())
        case Inject(fault):
            return _gives(command, rack.fault_injector.inject(fault))
        case ClearFault(serial):
            return _gives(command, rack.fault_injector.lift(serial))
        case StartExperiment(experiment):
            return _gives(command, rack.experiments.start(experiment))
        case StopExperiment():
            return _gives(command, rack.experiments.stop())
        case RestartWorker(serial):
            return _gives(command, rack.restart_worker(serial))
        case SetMemoryShare(serial, share):
            return _gives(command, rack.set_memory_share(serial, share))
        case Release(serial):
            return _gives(command, rack.release(serial))
        case ConfirmClass(name):
            return _gives(command, rack.ledger_thread.confirm_class(name))
        case KeepEvidence(days, size):
            return _gives(command, rack.ledger_thread.keep_evidence(days, size))
        case AddStake(serial, amount):
            return _gives(command, rack.add_stake(serial, amount))
        case SubmitStatement(data, signature, key):
            return _gives(command, rack.ledger_thread.submit(data, signature, key))
        case StopPayments(seconds, reason):
            return _gives(command, rack.ledger_thread.stop_payments(seconds, reason))
        case ReadJournal(before, count, search):
            return _gives(command, rack.ledger_thread.read_page(before, count, search))
        case TakePhone() | Identify() | InspectPhone() | Examine():
            return _work_on_phone(rack, command)
        case WatchPairing() | PairByCode() | PairByQr() | AddPlace():
            return _work_of_connector(rack.connector, command)
        case _:
            assert_never(command)


def _work_on_phone(
    rack: Rack, command: TakePhone | Identify | InspectPhone | Examine
) -> Awaitable[object]:
    match command:
        case TakePhone(serial):
            return _gives(command, rack.fleet.take(serial))
        case Identify(serial):
            return _gives(command, rack.fleet.identify(serial))
        case InspectPhone(serial):
            return _gives(command, rack.fleet.inspect(serial))
        case Examine(serial):
            return _gives(command, rack.examiner.examine(serial))
        case _:
            assert_never(command)


def _work_of_connector(
    connector: Connector, command: WatchPairing | PairByCode | PairByQr | AddPlace
) -> Awaitable[object]:
    match command:
        case WatchPairing(listener):
            return _gives(command, connector.watch(listener))
        case PairByCode(address, code, tell):
            return _gives(command, connector.pair_by_code(address, code, tell))
        case PairByQr(asked, tell):
            return _gives(command, connector.pair_by_qr(asked, tell))
        case AddPlace(place, patient):
            return _gives(command, connector.add_place(place, patient=patient))
        case _:
            assert_never(command)


def _gives(command: Command[Result], work: Awaitable[Result]) -> Awaitable[Result]:
    """Return the work, whose result has to be of the type that the command names."""
    del command
    return work
