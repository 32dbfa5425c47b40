"""A second control centre on the same phones: told whose they are, and takes them only if asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.__main__ import main
from app.core.device import DeviceState
from app.rack.commands import TakePhone
from app.rack.options import RackOptions
from app.rack.service import RackService, open_rack
from app.rack.snapshot import Phase, PhoneSnapshot
from app.words.sentences import fact_text, reason_text
from tests.integration.devices.rack import persona, running
from tests.integration.rack.support import PATIENCE, finish, open_rack_of, start, wait_until

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def phones(tmp_path: Path) -> Iterator[str]:
    """Run two phones that belong to nobody, and return what names them as a rack."""
    with running([persona("SHARED-1"), persona("SHARED-2")], tmp_path) as rack:
        yield ",".join(rack.addresses)


def options(folder: Path, phones: str, *, take: bool = False) -> RackOptions:
    return RackOptions(home=folder, rack=phones, patience=PATIENCE, take=take)


@contextmanager
def opened(options: RackOptions) -> Iterator[RackService]:
    """Open a rack that need not become ready."""
    rack = open_rack(options)
    try:
        yield rack
    finally:
        rack.close().result(90)


def states(rack: RackService) -> set[DeviceState]:
    return {phone.state for phone in rack.snapshot().phones}


def is_held(phone: PhoneSnapshot) -> bool:
    return phone.held_elsewhere


def test_a_second_one_is_told_whose_the_phones_are_and_gets_them_once_they_are_free(
    phones: str, tmp_path: Path
) -> None:
    with (
        open_rack_of(options(tmp_path / "one", phones)) as first,
        opened(options(tmp_path / "two", phones)) as second,
    ):
        failed = wait_until(second, lambda rack: rack.phase is Phase.FAILED)
        assert all(map(is_held, failed.phones))
        told = fact_text(failed.notices[0])
        assert told.startswith("No phone of this rack is ready. SHARED-1 works for the control")
        assert "--take" in told
        first.close().result(90)
        wait_until(second, lambda rack: rack.phase is Phase.READY)
        assert len(finish(second, start(second, 4)).token_ids) == 4


def test_the_first_goes_on_undisturbed_while_the_second_asks_cleans_and_closes(
    phones: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = str(tmp_path / "two")
    with open_rack_of(options(tmp_path / "one", phones)) as first:
        with opened(options(tmp_path / "two", phones)) as second:
            wait_until(second, lambda rack: rack.phase is Phase.FAILED)
        assert main(["devices", "clean", "--rack", phones, "--home", other]) == 1
        assert capsys.readouterr().out.count("works for the control centre of") == 2
        assert states(first) == {DeviceState.READY}
        assert len(finish(first, start(first, 4)).token_ids) == 4


def test_one_that_is_asked_to_takes_them_and_the_first_says_who_has_them_now(
    phones: str, tmp_path: Path
) -> None:
    with (
        open_rack_of(options(tmp_path / "one", phones)) as first,
        open_rack_of(options(tmp_path / "two", phones, take=True)) as second,
    ):
        taken = wait_until(first, lambda rack: all(map(is_held, rack.phones)))
        assert "works for the control centre of" in reason_text(taken.phones[0].state_reason)
        assert len(finish(second, start(second, 4)).token_ids) == 4
        first.do(TakePhone(taken.phones[0].serial)).result(60)
        wait_until(second, lambda rack: any(map(is_held, rack.phones)))
        wait_until(first, lambda rack: rack.phones[0].usable)
