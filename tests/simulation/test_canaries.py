"""Phones that claim more than they do, in a whole rack: who pays, who does not, what is planned."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from app.core.identifiers import Serial
from app.core.nursery import Nursery
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.verification import verify_ledger
from app.ledger.rules.economy import STARTING_STAKE, share
from app.ledger.views.snapshot import PhoneStanding
from app.rack.commands import Sampling
from app.rack.snapshot import RequestState
from app.simulation.model import undisturbed
from app.simulation.network import LinkBehaviour, Network
from app.simulation.phone import SimulatedPhone
from app.simulation.rack import SimulatedRack
from app.testing.virtual_time import LoopClock, run_in_virtual_time
from workers.fault_names import FaultName
from workers.protocol.commands import SetFault
from workers.protocol.sampling_rule import SamplingRule

TOKENS = 48
LIAR = 1
FEE = share(STARTING_STAKE, 50)


async def _course(folder: Path, texts: int, fault: SetFault | None) -> list[PhoneStanding]:
    """Write some texts with a fault on one phone; return how the phones stand then."""
    clock, random = LoopClock(), Random(3)  # noqa: S311 - chance that repeats
    network = Network(random, LinkBehaviour(longest_s=0.004))
    rack, world = SimulatedRack(folder, clock, random, network), Nursery(clock)
    phones = [SimulatedPhone(number, network, clock, world, random) for number in range(1, 4)]
    await rack.start(phones, audit_rate=0.0)
    if fault is not None:
        client = rack.fleet.phones[phones[LIAR].serial].client
        assert client is not None
        await client.call(fault)
    for number in range(texts):
        prompt = (3, 5 + number, 7, 9)
        request = rack.queue.requests[await rack.ask(prompt, TOKENS, Sampling())]
        assert request.task is not None
        await request.task
        assert request.state is RequestState.SETTLED
        assert tuple(request.tokens) == undisturbed(prompt, TOKENS, SamplingRule())
    standings = [rack.fleet.phones[Serial(phone.serial)].standing for phone in phones]
    await rack.stop()
    await world.close()
    assert not rack.failures
    report = verify_ledger(rack.home.ledger_file, read_public_key(rack.home.ledger_key))
    assert report.valid, report.problem
    return [each for each in standings if each is not None]


@pytest.mark.parametrize("texts", [2, 3])
def test_who_signs_that_it_claims_more_than_it_did_pays_at_the_third(
    tmp_path: Path, texts: int
) -> None:
    fault = SetFault(FaultName.FALSE_CLAIM, amount=10.0)
    standings = run_in_virtual_time(_course(tmp_path, texts, fault))
    paid = [each.slashed for each in standings]
    assert paid == [0, FEE if texts == 3 else 0, 0]
    assert standings[LIAR].jailed_until_ms is None
    assert all(each.balance > 0 for each in standings), "the work was right, and is paid"


def test_an_honest_phone_that_got_slow_is_planned_with_so_and_pays_nothing(tmp_path: Path) -> None:
    fault = SetFault(FaultName.SLOW, amount=8.0)
    standings = run_in_virtual_time(_course(tmp_path, 4, fault))
    assert [each.slashed for each in standings] == [0, 0, 0]
    assert [each.short_canaries for each in standings] == [0, 0, 0]
    assert all(each.canaries > 0 for each in standings)
    assert all(each.pace is not None and each.pace.step_us > 0 for each in standings)
