"""Every command reaches what carries it out, and no two the same."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import is_dataclass
from typing import Any, cast, get_args

import pytest

from app.core.audit_outcome import CheckMode
from app.core.errors import BadInputError
from app.core.identifiers import RequestId, Serial
from app.core.tasks import Complete
from app.faults.catalogue import Fault, FaultKind
from app.faults.experiments.plan import Experiment, PlannedFault
from app.ledger.views.journal_page import JournalSearch, SearchTerm
from app.placement.problem import Objective
from app.placement.rebalancing.setting import Balancing
from app.rack import commands as all_commands
from app.rack.commands import AnyCommand
from app.rack.commands import pairing as pairing_commands
from app.rack.commands.command import Command
from app.rack.dispatch import carry_out
from app.rack.pairing import Place, PlaceKind, new_request
from app.rack.rack import Rack
from tests.assignments import held, placed
from tests.saying import raises_saying

PHONE = Serial("A")


def _tell(_news: object) -> None:
    """Hear nothing."""


EXAMPLES: tuple[Command[Any], ...] = (
    all_commands.Ask(Complete("x"), 3),
    all_commands.Cancel(RequestId("r")),
    all_commands.RequestAssignment(placed("demo", 1, (held(PHONE, 0, 0),))),
    all_commands.Replan(Objective.LATENCY),
    all_commands.Compare(),
    all_commands.Foresee(()),
    all_commands.Apply(),
    all_commands.SetBalancing(Balancing.ASK),
    all_commands.SetChecks(0.25, CheckMode.ON),
    all_commands.UseModel("demo"),
    all_commands.MeasureLinks(),
    all_commands.CompareReceipts(),
    all_commands.ReadJournal(100, 50, JournalSearch((SearchTerm("audit"),))),
    all_commands.Inject(Fault(FaultKind.SLOW, PHONE)),
    all_commands.ClearFault(PHONE),
    all_commands.StartExperiment(
        Experiment("x", (PlannedFault(FaultKind.CRASH, "phone:1"),)),
    ),
    all_commands.StopExperiment(),
    all_commands.RestartWorker(PHONE),
    all_commands.SetMemoryShare(PHONE, 0.9),
    all_commands.TakePhone(PHONE),
    all_commands.Release(PHONE),
    all_commands.ConfirmClass("arm64"),
    all_commands.KeepEvidence(30, 1 << 30),
    all_commands.AddStake(PHONE, 1),
    all_commands.SubmitStatement("{}", "0" * 128, "0" * 64),
    all_commands.StopPayments(60, "odd payments"),
    all_commands.Identify(PHONE),
    all_commands.InspectPhone(PHONE),
    all_commands.Examine(PHONE),
    pairing_commands.WatchPairing(_tell),
    pairing_commands.PairByCode("HOST:1", "123456", _tell),
    pairing_commands.PairByQr(new_request(), _tell),
    pairing_commands.AddPlace(Place(PlaceKind.CABLES)),
)


class Spy:
    """A rack of which everything can be called; awaited, a call gives its own name."""

    def __init__(self, name: str = "rack") -> None:
        self.name = name

    def __getattr__(self, name: str) -> Spy:
        return Spy(f"{self.name}.{name}")

    def __call__(self, *_given: object, **_named: object) -> Spy:
        return self

    def __await__(self) -> Generator[None, None, str]:
        yield from ()
        return self.name


class Refusing(Spy):
    """A rack that can do nothing."""

    async def apply(self) -> None:
        raise BadInputError("No.")


def test_what_is_matched_is_every_command_there_is() -> None:
    assert set(get_args(AnyCommand)) == set(Command.__subclasses__())
    assert {type(example) for example in EXAMPLES} == set(Command.__subclasses__())
    assert all(is_dataclass(kind) for kind in Command.__subclasses__())


async def test_each_command_is_carried_out_by_something_of_its_own() -> None:
    rack = cast(Rack, Spy())
    reached = [await carry_out(rack, example) for example in EXAMPLES]
    assert len(set(reached)) == len(EXAMPLES)


async def test_why_a_command_is_refused_reaches_who_gave_it() -> None:
    with raises_saying(BadInputError, match="No"):
        await carry_out(cast(Rack, Refusing()), all_commands.Apply())


@pytest.mark.parametrize("command", EXAMPLES)
def test_a_command_is_a_value_that_can_be_kept_as_a_record(command: Command[Any]) -> None:
    hash(command)
    record = command.as_record()
    assert type(record) is type(command)
    assert record.as_record() == record
    kept = vars(record).values()
    assert _tell not in kept
    assert "123456" not in kept
