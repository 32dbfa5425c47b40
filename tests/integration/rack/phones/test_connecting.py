"""Phones that join an open rack, through the same façade as the window's."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from app.core.device import DeviceState
from app.core.errors import BadInputError, PhoneLostError, ShardloomError
from app.core.identifiers import Serial
from app.devices.errors import PairingError
from app.devices.wireless.network_browser import NetworkBrowser
from app.devices.wireless.service_types import ServiceType
from app.rack.commands.pairing import AddPlace, PairByCode, PairByQr, WatchPairing
from app.rack.options import RackOptions
from app.rack.pairing import PairingStep, PairingWindow, Place, PlaceKind, new_request
from app.rack.service import RackService, open_rack
from app.rack.snapshot import RackSnapshot
from app.virtual.rack import VirtualRack
from tests.integration.devices.rack import closed_port, persona, private_adb_server, running, until
from tests.integration.rack.support import PATIENCE, wait_until
from tests.saying import raises_saying

CODED, SCANNED, PLAIN = map(Serial, ("CODED-1", "SCANNED-2", "PLAIN-3"))
pytestmark = pytest.mark.usefixtures("patient")
JOINED = {DeviceState.PREPARING, DeviceState.READY, DeviceState.WORKING}


@pytest.fixture(scope="module")
def phones(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualRack]:
    personas = [persona(CODED, wireless=True), persona(SCANNED, wireless=True), persona(PLAIN)]
    with running(personas, tmp_path_factory.mktemp("phones")) as rack:
        yield rack


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RackService]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("user")))
        home = tmp_path_factory.mktemp("home")
        with closed_port() as nobody:
            options = RackOptions(home=home, rack=f"server:{nobody}", patience=PATIENCE)
            rack = open_rack(options)
            yield rack
            rack.close().result(90)


def has_joined(snapshot: RackSnapshot, serial: str) -> bool:
    return any(phone.serial == serial and phone.state in JOINED for phone in snapshot.phones)


def test_phones_that_show_a_code_are_told_until_nobody_asks_any_more(
    rack: RackService, phones: VirtualRack
) -> None:
    told: list[tuple[PairingWindow, ...]] = []
    watching = rack.do(WatchPairing(told.append))
    code, port = phones.open_pairing(CODED)
    address = f"127.0.0.1:{port}"
    until(lambda: address in _addresses(told))
    assert _addresses(told)[address].startswith(f"adb-{CODED}-")
    watching.cancel()
    steps: list[PairingStep] = []
    paired = rack.do(PairByCode(address, code, steps.append)).result(60)
    assert (paired.serial, paired.address) == (CODED, phones.addresses[0])
    assert steps == [PairingStep.AGREEING, PairingStep.LOOKING, PairingStep.CONNECTING]
    wait_until(rack, lambda snapshot: has_joined(snapshot, CODED))


def test_a_phone_that_reads_the_qr_code_joins(rack: RackService, phones: VirtualRack) -> None:
    request, reading = new_request(), threading.Event()
    pairing = rack.do(PairByQr(request, lambda _: reading.set()))
    assert reading.wait(60)
    phones.scan(SCANNED, request.text)
    assert pairing.result(60).serial == SCANNED
    wait_until(rack, lambda snapshot: has_joined(snapshot, SCANNED))


def test_a_code_nobody_waits_for_any_more_pairs_nobody(
    rack: RackService, phones: VirtualRack
) -> None:
    request, steps = new_request(), list[PairingStep]()
    pairing = rack.do(PairByQr(request, steps.append))
    until(lambda: steps == [PairingStep.READING])
    pairing.cancel()
    with pytest.raises(BadInputError):
        rack.do(AddPlace(Place(PlaceKind.ADDRESS, "nowhere"))).result(
            60
        )  # refused after it, on the same thread
    _, port = phones.scan(SCANNED, request.text)
    with NetworkBrowser((ServiceType.PAIRING,)) as browser:
        window = browser.wait_for(ServiceType.PAIRING, request.service_name, 60)
    assert window is not None
    assert window.address == f"127.0.0.1:{port}"
    assert steps == [PairingStep.READING]


def test_a_rack_closes_while_somebody_still_waits_for_a_phone(home: Path) -> None:
    before = set(threading.enumerate())
    with closed_port() as nobody:
        _close_while_waiting(open_rack(RackOptions(home=home, rack=f"server:{nobody}")))
    until(lambda: not any(_pairs(thread) for thread in set(threading.enumerate()) - before))


def _close_while_waiting(rack: RackService) -> None:
    watched, reading = threading.Event(), threading.Event()
    waiting = (
        rack.do(WatchPairing(lambda _: watched.set())),
        rack.do(PairByQr(new_request(), lambda _: reading.set())),
    )
    assert watched.wait(60)
    assert reading.wait(60)
    rack.close().result(60)
    assert all(future.cancelled() for future in waiting)


def test_what_goes_wrong_is_told_in_a_line(rack: RackService, phones: VirtualRack) -> None:
    code, port = phones.open_pairing(CODED)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    with closed_port() as nobody:
        cases: dict[Future[Any], tuple[type[ShardloomError], str]] = {
            rack.do(PairByCode(f"127.0.0.1:{port}", wrong, _ignore)): (
                PairingError,
                "another code",
            ),
            rack.do(PairByCode(nobody, code, _ignore)): (PhoneLostError, "No phone"),
            rack.do(PairByCode("nowhere", code, _ignore)): (BadInputError, "HOST:PORT"),
            rack.do(AddPlace(Place(PlaceKind.ADDRESS, nobody))): (PhoneLostError, "127.0.0.1"),
            rack.do(AddPlace(Place(PlaceKind.SERVER, nobody))): (
                PhoneLostError,
                "No adb server answers",
            ),
            rack.do(AddPlace(Place(PlaceKind.SERVER, "nowhere"))): (BadInputError, "HOST:PORT"),
        }
        for future, (kind, words) in cases.items():
            with raises_saying(kind, match=words):
                future.result(60)


def test_an_address_joins_once_however_often_it_is_added(
    rack: RackService, phones: VirtualRack
) -> None:
    address = phones.addresses[2]
    seen = rack.do(AddPlace(Place(PlaceKind.ADDRESS, f" {address} "))).result(60)
    assert [(phone.serial, phone.state) for phone in seen] == [(PLAIN, DeviceState.FOUND)]
    wait_until(rack, lambda snapshot: has_joined(snapshot, PLAIN))
    again = rack.do(AddPlace(Place(PlaceKind.ADDRESS, address))).result(60)
    assert [phone.serial for phone in again] == [PLAIN]
    assert [phone.serial for phone in rack.snapshot().phones].count(PLAIN) == 1


def test_an_adb_server_joins_with_its_phones(
    rack: RackService, phones: VirtualRack, tmp_path: Path
) -> None:
    with private_adb_server(tmp_path) as server:
        server.connect(phones.addresses[2])
        seen = rack.do(AddPlace(Place(PlaceKind.SERVER, f"{server.host}:{server.port}"))).result(60)
        assert [phone.serial for phone in seen] in ([PLAIN], [])
        wait_until(rack, lambda snapshot: has_joined(snapshot, PLAIN))


def test_a_place_that_does_not_answer_yet_is_watched_where_that_is_wanted(
    rack: RackService,
) -> None:
    with closed_port() as nobody:
        assert rack.do(AddPlace(Place(PlaceKind.ADDRESS, nobody), patient=True)).result(60) == ()
        wait_until(rack, lambda snapshot: nobody in [phone.serial for phone in snapshot.phones])


def _addresses(told: Sequence[Sequence[PairingWindow]]) -> dict[str, str]:
    """Return the name of every window that was ever told, by its address."""
    return {window.address: window.name for windows in tuple(told) for window in windows}


def _pairs(thread: threading.Thread) -> bool:
    return thread.name.startswith("connecting")


def _ignore(_: PairingStep) -> None:
    """Nobody looks at the steps here."""
