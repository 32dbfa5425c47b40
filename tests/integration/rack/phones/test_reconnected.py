"""A phone whose ADB connection was cut while its worker went on: same process, same layers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from app.core.device import DeviceState, Route
from app.core.identifiers import Serial
from app.faults.catalogue import Fault, FaultKind
from app.rack.commands import Inject
from app.rack.home import Home
from app.rack.options import RackOptions
from app.rack.service import RackService, open_rack
from app.rack.snapshot import RackSnapshot
from tests.integration.rack.support import READY, generate, wait_for
from workers.protocol.configuration import READY_FILE, WorkerReady

TOKENS = 12
PATIENCE = 20.0
"""So that a worker is lost by the end of its connection, and not because it is slow."""
SERIAL = Serial("BACK-1")
PHONE = f"""
name = "back"
use = "all"
[[phones]]
serial = "{SERIAL}"
name = "{SERIAL}"
manufacturer = "Nobody"
android_version = "14"
cores = 4
memory_bytes = 4_000_000_000
wifi = false
"""

pytestmark = pytest.mark.usefixtures("patient")


@pytest.fixture
def rack(tmp_path: Path) -> Iterator[RackService]:
    file = tmp_path / "rack.toml"
    file.write_text(PHONE)
    rack = open_rack(RackOptions(home=tmp_path / "home", rack=str(file), patience=PATIENCE))
    try:
        wait_for(rack, lambda snapshot: snapshot.phase in READY)
        yield rack
    finally:
        rack.close().result(60)


def worker_folder(tmp_path: Path) -> Path:
    phones = Home(tmp_path / "home").started_phones
    return phones / SERIAL / "rootfs/data/local/tmp/shardloom"


def process_id(tmp_path: Path) -> int | None:
    """Return the worker's process, None while none is ready."""
    try:
        text = (worker_folder(tmp_path) / READY_FILE).read_text()
    except FileNotFoundError:
        return None
    return WorkerReady.from_json(text).process_id


def spans_loaded(tmp_path: Path) -> int:
    return (worker_folder(tmp_path) / "worker.log").read_text().count(" loaded in ")


def returns(rack: RackService) -> int:
    """Return how often the phone came back to its layers."""
    return sum(event.fact.code == "layers.held_again" for event in rack.snapshot().timeline)


def is_ready(snapshot: RackSnapshot) -> bool:
    return snapshot.phones[0].state is DeviceState.READY


def is_back(rack: RackService, cuts: int, snapshot: RackSnapshot) -> bool:
    return returns(rack) >= cuts and is_ready(snapshot)


def test_a_worker_that_outlives_its_adb_connection_is_taken_up_with_its_layers(
    rack: RackService, tmp_path: Path
) -> None:
    expected = generate(rack, TOKENS).token_ids
    before = process_id(tmp_path), spans_loaded(tmp_path)
    assert rack.snapshot().phones[0].route is Route.ADB
    for cuts in (1, 2):
        rack.do(Inject(Fault(FaultKind.ADBD_RESTART, SERIAL))).result(30)
        wait_for(rack, partial(is_back, rack, cuts))
        assert (process_id(tmp_path), spans_loaded(tmp_path)) == before
    assert generate(rack, TOKENS).token_ids == expected


def test_a_worker_that_ended_with_its_adb_connection_is_started_anew(
    rack: RackService, tmp_path: Path
) -> None:
    expected = generate(rack, TOKENS).token_ids
    before = process_id(tmp_path)
    assert before is not None
    psutil.Process(before).kill()
    rack.do(Inject(Fault(FaultKind.ADBD_RESTART, SERIAL))).result(30)
    wait_for(rack, lambda snapshot: returns(rack) >= 1 and is_ready(snapshot))
    assert process_id(tmp_path) not in {None, before}
    assert generate(rack, TOKENS).token_ids == expected
