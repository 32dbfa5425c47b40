"""A model of two chains on three virtual phones: tokens, audits, lies and lost phones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.core.device import DeviceState
from app.core.errors import BadInputError
from app.core.identifiers import Serial
from app.core.tasks import Complete, Translate
from app.faults.catalogue import Fault, FaultKind
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.verification import verify_ledger
from app.models.library import Library
from app.placement.problem import Objective
from app.rack.commands import Apply, Ask, ClearFault, Inject, Release, Replan, UseModel
from app.rack.home import Home
from app.rack.service import RackService
from app.rack.snapshot import RackSnapshot, RequestSnapshot, RequestState
from tests.integration.models.test_pairs_reference import TEXT, saved
from tests.integration.rack.support import READY, finish, open_virtual_rack, wait_for
from tests.saying import raises_saying
from workers.protocol.chain import ChainName

torch = pytest.importorskip("torch", reason="torch is not installed: reference not compared")
TOKENS = 12


@dataclass(frozen=True)
class Bench:
    """An open rack and what the reference answers."""

    rack: RackService
    home: Path
    expected: list[int]

    def ask(self) -> RequestSnapshot:
        asked = self.rack.do(Ask(Complete(tuple(TEXT)), TOKENS))
        return finish(self.rack, asked.result(60))

    def position(self, stage: int) -> int:
        applied, phones = self.rack.snapshot().applied, self.rack.snapshot().phones
        assert applied is not None
        return [phone.serial for phone in phones].index(applied.serials[stage])

    def heal(self, position: int) -> None:
        """Bring a broken phone back and give every phone layers again."""
        victim = self.rack.snapshot().phones[position]
        self.rack.do(ClearFault(victim.serial)).result(60)
        if victim.state is DeviceState.JAILED:
            self.rack.do(Release(victim.serial)).result(60)
        self.rack.do(Replan(Objective.THROUGHPUT, ())).result(60)
        self.rack.do(Apply()).result(60)
        wait_for(self.rack, uses_every_phone)

    def serial(self, position: int) -> Serial:
        return self.rack.snapshot().phones[position].serial


def uses_every_phone(snapshot: RackSnapshot) -> bool:
    applied = snapshot.applied
    if applied is None or applied.model != "pair":
        return False
    return len(applied.stages) == len(snapshot.phones) and snapshot.phase in READY


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("c")
    reference = saved(folder / "pair", "marian")
    Library(home).import_folder(folder / "pair", "pair")
    with torch.no_grad():
        written = reference.generate(
            torch.tensor([TEXT]),
            attention_mask=torch.ones(1, len(TEXT), dtype=torch.long),
            max_new_tokens=TOKENS,
            do_sample=False,
            num_beams=1,
        )[0].tolist()
    with open_virtual_rack(home, 3) as opened:
        opened.do(UseModel("pair")).result(60)
        wait_for(opened, uses_every_phone)
        yield Bench(opened, home, written[-TOKENS:])


def assert_written(bench: Bench, request: RequestSnapshot) -> None:
    assert request.state is RequestState.SETTLED, request.state_reason
    assert list(request.token_ids) == bench.expected


def test_encoder_and_decoder_write_the_references_tokens_and_are_audited(bench: Bench) -> None:
    request = bench.ask()
    assert_written(bench, request)
    assert (request.receipts, request.audits, request.slashes) == (3, 3, 0)
    assert request.assignment is not None
    chains = [stage.span.chain for stage in request.assignment.stages]
    assert set(chains) == {ChainName.ENCODER, ChainName.DECODER}


def test_several_texts_at_once_are_each_read_and_answered(bench: Bench) -> None:
    asked = [bench.rack.do(Ask(Complete(tuple(text)), TOKENS)) for text in (TEXT, TEXT[:1], TEXT)]
    found = [finish(bench.rack, each.result(60)) for each in asked]
    assert_written(bench, found[0])
    assert_written(bench, found[2])
    assert found[1].state is RequestState.SETTLED


@pytest.mark.parametrize("stage", [0, pytest.param(2, marks=pytest.mark.soak)])
def test_a_phone_that_dies_is_replaced_and_not_a_token_changes(bench: Bench, stage: int) -> None:
    position = bench.position(stage)
    bench.rack.do(Inject(Fault(FaultKind.CRASH, bench.serial(position)))).result(60)
    request = bench.ask()
    assert_written(bench, request)
    assert request.failovers >= 1
    bench.heal(position)


@pytest.mark.soak
def test_a_phone_that_lies_is_kept_from_work_and_the_answer_is_right(bench: Bench) -> None:
    position = bench.position(1)
    bench.rack.do(Inject(Fault(FaultKind.WRONG_OUTPUT, bench.serial(position)))).result(60)
    request = bench.ask()
    assert_written(bench, request)
    assert bench.rack.snapshot().phones[position].state is DeviceState.JAILED
    bench.heal(position)


def test_what_cannot_be_asked_is_said_in_one_line(bench: Bench) -> None:
    with raises_saying(BadInputError, match="exceed the context of 128"):
        bench.rack.do(Ask(Complete((5,) * 128), TOKENS)).result(60)
    with raises_saying(BadInputError, match="no tokenizer"):
        bench.rack.do(Ask(Translate("a text", "German"), TOKENS)).result(60)


def test_the_ledger_of_all_this_verifies(bench: Bench) -> None:
    home = Home(bench.home)
    report = verify_ledger(home.ledger_file, read_public_key(home.ledger_key))
    assert report.valid, report.problem
