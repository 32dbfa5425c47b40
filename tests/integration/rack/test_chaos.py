"""Faults drawn from a seed, several requests at once: the tokens stay right, the books balance."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.identifiers import Serial
from app.faults.catalogue import Fault, FaultKind
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.verification import verify_ledger
from app.rack.commands import Inject
from app.rack.home import Home
from app.rack.snapshot import RequestState
from tests.integration.rack.support import finish, generate, open_virtual_rack, start
from tests.soak import slice_of

PHONES = 4
REQUESTS = 3
TOKENS = 40
KINDS = (
    FaultKind.WRONG_OUTPUT,
    FaultKind.SLOW,
    FaultKind.CRASH,
    FaultKind.HANG,
    FaultKind.WITHHELD_RECEIPT,
    FaultKind.ADBD_RESTART,
    FaultKind.UNPLUG,
    FaultKind.OVERHEAT,
    FaultKind.TAKEN,
)
"""What a worker shows from a token on, and what befalls the phone itself at once."""


def drawn_faults(seed: int, serials: list[Serial]) -> list[Fault]:
    """Return two faults on two phones; what a worker shows begins at a drawn token."""
    draw = random.Random(seed)  # noqa: S311 - a repeatable draw, not a secret
    victims, kinds = draw.sample(serials, 2), draw.sample(KINDS, 2)
    faults = []
    for kind, victim in zip(kinds, victims, strict=True):
        fault, token = Fault(kind, victim), draw.randint(1, TOKENS)
        if kind is FaultKind.SLOW:
            fault = replace(fault, amount=3.0)
        faults.append(replace(fault, token=token) if fault.by_worker else fault)
    return faults


@pytest.mark.parametrize("seed", slice_of(range(20), 0))
def test_two_faulty_phones_of_four_never_change_a_token(seed: int, tmp_path: Path) -> None:
    with open_virtual_rack(tmp_path, PHONES) as rack:
        expected = generate(rack, TOKENS).token_ids
        serials = [phone.serial for phone in rack.snapshot().phones]
        faults = drawn_faults(seed, serials)
        for fault in faults:
            rack.do(Inject(fault)).result(60)
        identifiers = [start(rack, TOKENS) for _ in range(REQUESTS)]
        requests = [finish(rack, identifier) for identifier in identifiers]
        for request in requests:
            assert request.state is RequestState.SETTLED, (faults, request.state_reason)
            assert request.token_ids == expected, faults
            assert request.open_text == ""
        lied = any(fault.kind is FaultKind.WRONG_OUTPUT for fault in faults)
        slashed = {row.serial for row in rack.snapshot().ledger.slashes}  # type: ignore[union-attr]
        assert slashed <= {fault.serial for fault in faults}
        assert bool(slashed) <= lied
    home = Home(tmp_path)
    report = verify_ledger(home.ledger_file, read_public_key(home.ledger_key))
    assert report.valid, report.problem
