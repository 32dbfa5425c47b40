"""An adb server that ends while a rack is opened: the rack waits for it as it does later on."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest

from app.benchmarks.connecting import adb_server_of_own
from app.core.device import DeviceState
from app.devices.adb.adb_server import AdbServer
from app.rack.options import RackOptions
from app.rack.phones.fleet import CUT_OFF_KNOWN_WITHIN_S
from app.rack.service import open_rack
from app.rack.snapshot import Phase, PhoneSnapshot
from tests.integration.devices.rack import let_in, persona, running
from tests.integration.rack.support import PATIENCE, finish, start, wait_until

pytestmark = pytest.mark.timeout(400)


def test_a_rack_whose_adb_server_is_killed_while_it_is_opened_waits_for_the_next_one(
    tmp_path: Path,
) -> None:
    with running([persona("SERVED-1"), persona("SERVED-2")], tmp_path) as phones:
        process, server = adb_server_of_own._started(tmp_path)
        try:
            let_in(server, *phones.addresses)
            options = RackOptions(tmp_path / "home", f"server:{server.address}", patience=PATIENCE)
            with closing(open_rack(options)) as rack:
                wait_until(rack, lambda now: DeviceState.PREPARING in states_of(now.phones))
                process.kill()
                process.wait()
                lost = wait_until(rack, lambda now: states_of(now.phones) == {DeviceState.LOST})
                assert lost.phase is Phase.STARTING
                time.sleep(1.5 * CUT_OFF_KNOWN_WITHIN_S * PATIENCE)
                assert rack.snapshot().phase is Phase.STARTING
                process = adb_server_of_own._launch(tmp_path, server.port)
                let_in(AdbServer(server.host, server.port), *phones.addresses)
                wait_until(rack, lambda now: now.phase is Phase.READY)
                assert len(finish(rack, start(rack, 3)).token_ids) == 3
                rack.close().result(90)
        finally:
            process.kill()
            process.wait()


def states_of(phones: tuple[PhoneSnapshot, ...]) -> set[DeviceState]:
    return {phone.state for phone in phones}
