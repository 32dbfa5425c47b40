"""A model that sees on three virtual phones: pictures, audits, what is signed, lost phones."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from app.core.device import DeviceState
from app.core.errors import BadInputError
from app.core.tasks import Complete
from app.faults.catalogue import Fault, FaultKind
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.verification import verify_ledger
from app.models.library import Library
from app.proof.records.picture_text import file_root
from app.rack.commands import Ask, ClearFault, Inject, Release, UseModel
from app.rack.home import Home
from app.rack.service import RackService
from app.rack.snapshot import RackSnapshot, RequestSnapshot, RequestState
from tests.integration.models.seeing import (
    SEEING,
    a_picture,
    answered,
    pixels_of,
    saved_seeing,
    text_around,
)
from tests.integration.rack.support import READY, finish, open_virtual_rack, wait_for
from tests.saying import raises_saying
from workers.protocol.chain import ChainName

TOKENS = 10


def file_of(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


PICTURE = a_picture(90, 50)
FILE = file_of(PICTURE)


@dataclass(frozen=True)
class Bench:
    """An open rack, a text with places for a picture, and what the reference answers."""

    rack: RackService
    home: Path
    text: tuple[int, ...]
    expected: list[int]

    def ask(self) -> RequestSnapshot:
        asked = self.rack.do(Ask(Complete(self.text, pictures=(FILE,)), TOKENS))
        return finish(self.rack, asked.result(60))


def uses_every_phone(snapshot: RackSnapshot) -> bool:
    applied = snapshot.applied
    if applied is None or applied.model != "eyes":
        return False
    return len(applied.stages) == len(snapshot.phones) and snapshot.phase in READY


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("c")
    reference = saved_seeing(folder / "eyes", "idefics3")
    Library(home).import_folder(folder / "eyes", "eyes")
    pixels = pixels_of("idefics3", folder / "eyes", PICTURE)
    text = text_around(len(pixels), SEEING["idefics3"].rows)
    expected = answered(reference, text, pixels, TOKENS)
    with open_virtual_rack(home, 3) as opened:
        opened.do(UseModel("eyes")).result(60)
        wait_for(opened, uses_every_phone)
        yield Bench(opened, home, tuple(text), expected)


def assert_written(bench: Bench, request: RequestSnapshot) -> None:
    assert request.state is RequestState.SETTLED, request.state_reason
    assert list(request.token_ids) == bench.expected


def test_a_picture_is_seen_and_every_stage_is_audited(bench: Bench) -> None:
    request = bench.ask()
    assert_written(bench, request)
    assert (request.receipts, request.audits, request.slashes) == (3, 3, 0)
    assert request.assignment is not None
    chains = [stage.span.chain for stage in request.assignment.stages]
    assert set(chains) == {ChainName.ENCODER, ChainName.DECODER}


def test_what_is_signed_names_the_pictures_file(bench: Bench) -> None:
    bench.ask()
    requests = [
        content
        for path in (bench.home / "evidence").iterdir()
        if path.is_file() and (content := path.read_bytes()).startswith(b'{"pictures"')
    ]
    assert requests
    (picture,) = json.loads(requests[0])["pictures"]
    assert (picture["size_bytes"], picture["root"]) == (len(FILE), file_root(FILE))
    assert file_root(FILE) != file_root(FILE[:-1] + bytes([FILE[-1] ^ 1]))


def test_texts_without_pictures_and_with_others_run_beside_it(bench: Bench) -> None:
    other = Complete(bench.text, pictures=(file_of(a_picture(90, 50, 5)),))
    plain = Complete((1, 5, 9))
    tasks = (Complete(bench.text, pictures=(FILE,)), other, plain, plain, *[plain] * 6)
    asked = [bench.rack.do(Ask(each, TOKENS)) for each in tasks]
    found = [finish(bench.rack, each.result(60)) for each in asked]
    assert all(each.state is RequestState.SETTLED for each in found)
    assert_written(bench, found[0])
    assert found[1].token_ids != found[0].token_ids
    assert all(each.token_ids == found[2].token_ids for each in found[2:])


@pytest.mark.soak
@pytest.mark.parametrize("stage", [0, 1, 2])
@pytest.mark.parametrize("kind", [FaultKind.CRASH, FaultKind.WRONG_OUTPUT])
def test_a_phone_that_dies_or_lies_is_replaced_and_not_a_token_changes(
    bench: Bench, stage: int, kind: FaultKind
) -> None:
    snapshot = bench.rack.snapshot()
    assert snapshot.applied is not None
    serial = snapshot.applied.serials[stage]
    bench.rack.do(Inject(Fault(kind, serial))).result(60)
    assert_written(bench, bench.ask())
    bench.rack.do(ClearFault(serial)).result(60)
    victim = next(phone for phone in bench.rack.snapshot().phones if phone.serial == serial)
    if victim.state is DeviceState.JAILED:
        bench.rack.do(Release(serial)).result(60)
    wait_for(bench.rack, uses_every_phone)


def test_pictures_that_cannot_be_shown_are_refused_in_one_line(bench: Bench) -> None:
    def refused(task: Complete, match: str) -> None:
        with raises_saying(BadInputError, match=match):
            bench.rack.do(Ask(task, TOKENS)).result(60)

    refused(Complete(bench.text, pictures=(b"none",)), "no picture of a form")
    refused(Complete(bench.text), "0 are wanted")
    refused(Complete((1, 5), pictures=(FILE,)), "0 places")
    refused(Complete(bench.text, pictures=(FILE,) * 17), "at most 16 pictures")


def test_the_ledger_of_all_this_verifies(bench: Bench) -> None:
    home = Home(bench.home)
    report = verify_ledger(home.ledger_file, read_public_key(home.ledger_key))
    assert report.valid, report.problem
