"""Phones of several rack hosts in one ring, with no network but adb, and tunnels that die."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from app.core.assignment import Assignment
from app.core.device import DeviceState, Route
from app.core.errors import PhoneLostError
from app.core.identifiers import HOST, Serial
from app.devices.adb.adb_server import AdbServer
from app.devices.adb.reverse_service import list_reverses
from app.devices.adb.stream import ByteStream
from app.devices.links.adb_link import AdbLink
from app.devices.links.server_link import ServerSource
from app.pipeline import step_limits
from app.pipeline.attempt import Attempt
from app.rack.commands import Apply, MeasureLinks, RequestAssignment
from app.rack.layers.assigner import Assigner
from app.rack.options import RackOptions
from app.rack.paths import path_finder
from app.rack.phones.phone import Phone
from app.rack.service import RackService
from app.rack.snapshot import RackSnapshot, RequestSnapshot, RequestState
from app.words.sentences import fact_text
from tests.assignments import held, placed
from tests.integration.devices.rack import let_in, persona, private_adb_server, running, until
from tests.integration.patience import PATIENCE_S, be_patient
from tests.integration.rack.support import (
    HELD,
    finish,
    generate,
    open_rack_of,
    paused_before,
    start,
    wait_for,
    whole_demo_tokens,
)

TOKENS = 12
PATIENCE = 20.0
"""So that a worker is lost by the end of its connection, and not because it is slow."""
BESIDE, NEXT, FAR, NEAR = map(Serial, ("BESIDE-1", "NEXT-2", "FAR-3", "NEAR-4"))
"""Two phones of one rack host, one of another host, one on a cable of this computer."""
SERIALS = (BESIDE, NEXT, FAR, NEAR)


FALLEN = {DeviceState.LOST, DeviceState.PREPARING}


class Hosts:
    """The rack, and what somebody at a rack host can do to it."""

    def __init__(self, rack: RackService, first_server: AdbServer) -> None:
        self.rack = rack
        self.first_server = first_server

    def phone(self, serial: Serial) -> Phone:
        assert self.rack._rack is not None
        return self.rack._rack.fleet.phones[serial]

    def link(self, serial: Serial) -> AdbLink:
        link = self.phone(serial).link
        assert isinstance(link, AdbLink)
        return link

    def reverses(self, serial: Serial) -> dict[int, int]:
        return list_reverses(self.link(serial)._source)

    def forwards_at_server(self, serial: Serial) -> dict[int, int]:
        source = self.link(serial)._source
        assert isinstance(source, ServerSource)
        return source._standing_forwards()

    def block_outlets(self, serial: Serial) -> None:
        """Fetch nothing more that the phone wants to send to phones held elsewhere."""
        for carrier in tuple(self.link(serial)._tunnels._carriers.values()):
            carrier.close()

    @contextmanager
    def one_step_lost(self) -> Iterator[Callable[[], None]]:
        """Yield what cuts a way in use; that is found out soon, and nothing after it is hurried."""
        find_broken_ways = Assigner.broken_ways
        step_s, try_s = step_limits.BASE_S, path_finder.RELAY_TRY_LIMIT_S

        async def with_time_again(
            assigner: Assigner, serials: Sequence[Serial]
        ) -> list[tuple[Phone, Phone]]:
            patch.setattr(step_limits, "BASE_S", step_s)
            broken = await find_broken_ways(assigner, serials)
            patch.setattr(path_finder, "RELAY_TRY_LIMIT_S", try_s)
            return broken

        def cut() -> None:
            patch.setattr(step_limits, "BASE_S", 1.0 / PATIENCE)
            self.block_outlets(NEXT)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Assigner, "broken_ways", with_time_again)
            patch.setattr(path_finder, "RELAY_TRY_LIMIT_S", 1.0 / PATIENCE)
            yield cut

    def told(self, text: str) -> int:
        return sum(text in fact_text(event.fact) for event in self.rack.snapshot().timeline)

    def settle(self) -> tuple[int, ...]:
        """Generate, and return the tokens once they were verified and every phone is ready."""
        request = generate(self.rack, TOKENS)
        assert request.state is RequestState.SETTLED
        wait_for(self.rack, _all_ready)
        return request.token_ids


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    folder = tmp_path_factory.mktemp("hosts")
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(AdbServer, "is_local", False)
        be_patient(patch)
        phones = [persona(serial, name=serial, wifi=False) for serial in SERIALS]
        *served, own = stack.enter_context(running(phones, folder)).addresses
        servers = _servers(stack, folder)
        let_in(servers[0], *served[:2])
        let_in(servers[1], served[2])
        name = ",".join([*(f"server:127.0.0.1:{server.port}" for server in servers), own])
        options = RackOptions(home=folder / "home", rack=name, patience=PATIENCE)
        rack = stack.enter_context(open_rack_of(options))
        wait_for(rack, _all_ready)
        rack.do(RequestAssignment(_shared_out(rack))).result(60)
        rack.do(Apply()).result(60)
        rack.do(MeasureLinks()).result(120)
        yield Hosts(rack, servers[0])


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, ...]:
    return whole_demo_tokens(tmp_path_factory.mktemp("library"), TOKENS)


def test_phones_of_two_rack_hosts_and_of_this_computer_are_one_ring(
    hosts: Hosts, expected: tuple[int, ...]
) -> None:
    assert hosts.settle() == expected
    pairs = len(SERIALS) * (len(SERIALS) + 1)
    snapshot = wait_for(hosts.rack, lambda snapshot: len(snapshot.links) == pairs)
    between = {
        (link.sender, link.receiver): link.route
        for link in snapshot.links
        if HOST not in (link.sender, link.receiver)
    }
    together = {(BESIDE, NEXT), (NEXT, BESIDE)}
    assert {pair for pair, route in between.items() if route is Route.SERVER} == together
    others = {route for pair, route in between.items() if pair not in together}
    assert others == {Route.RELAYED}
    assert hosts.told(f"{FAR} does not reach") >= 1
    assert hosts.told("this computer passes on what it sends, unread") >= 1


def test_tunnels_that_somebody_removed_are_put_back_as_they_were(
    hosts: Hosts, expected: tuple[int, ...]
) -> None:
    at_server, own = hosts.reverses(BESIDE), hosts.reverses(NEAR)
    forwarded = hosts.forwards_at_server(NEXT)
    assert at_server
    assert own
    assert forwarded
    for serial in (BESIDE, NEAR):
        hosts.link(serial)._source.open("reverse:killforward-all", PATIENCE_S).receive()
    with hosts.first_server.make_connection() as connection:
        connection.send_command("host:killforward-all")
        connection.check_okay()
    back = "a way through adb was removed by somebody; it is back."
    until(lambda: all(hosts.told(f"{serial}: {back}") for serial in (BESIDE, NEXT, NEAR)))
    until(lambda: hosts.reverses(BESIDE) == at_server)
    assert hosts.reverses(NEAR) == own
    assert hosts.forwards_at_server(NEXT) == forwarded
    assert hosts.settle() == expected


def test_a_relay_that_dies_under_a_step_is_replaced_and_no_phone_is_blamed(
    hosts: Hosts, expected: tuple[int, ...]
) -> None:
    """The step waits for ever in a way that nobody fetches from."""
    with hosts.one_step_lost() as cut, paused_before(HELD) as pause:
        identifier = start(hosts.rack, TOKENS)
        pause.wait()
        cut()
        pause.end()
        _check_that_it_went_on(hosts, finish(hosts.rack, identifier), expected)


def test_a_relay_that_dies_under_a_prompt_is_replaced_as_soon(
    hosts: Hosts, expected: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    open_transaction = Attempt.open

    async def open_and_cut(attempt: Attempt) -> None:
        await open_transaction(attempt)
        monkeypatch.setattr(Attempt, "open", open_transaction)
        cut()

    with hosts.one_step_lost() as cut:
        monkeypatch.setattr(Attempt, "open", open_and_cut)
        _check_that_it_went_on(hosts, generate(hosts.rack, TOKENS), expected)


def test_a_worker_whose_tunnel_broke_is_taken_up_again_while_its_phone_stays_connected(
    hosts: Hosts, expected: tuple[int, ...]
) -> None:
    before = hosts.phone(FAR).worker.process_id
    with pytest.MonkeyPatch.context() as patch:
        for forward in hosts.link(FAR)._tunnels._forwards.values():
            patch.setattr(forward, "_open_stream", _nothing_there)
            for connection in tuple(forward._carried):
                connection.shutdown(socket.SHUT_RDWR)
        wait_for(hosts.rack, lambda snapshot: _state(snapshot, FAR) in FALLEN)
    wait_for(hosts.rack, _all_ready)
    assert hosts.told(f"{FAR} is back; its worker went on meanwhile") == 1
    assert hosts.phone(FAR).worker.process_id == before
    assert hosts.settle() == expected


def _check_that_it_went_on(
    hosts: Hosts, request: RequestSnapshot, expected: tuple[int, ...]
) -> None:
    """Check that the one way that broke was replaced under a request, and nobody was blamed."""
    assert (request.state, request.token_ids) == (RequestState.SETTLED, expected)
    assert request.failovers == 1
    newest = [
        fact_text(event.fact)
        for event in hosts.rack.snapshot().timeline
        if "broke" in fact_text(event.fact)
    ][-1]
    assert f"from {NEXT} to {FAR}" in newest
    assert "broke: the text goes on" in newest
    assert _all_ready(hosts.rack.snapshot())
    assert hosts.told("stopped answering") == 0


def _servers(stack: ExitStack, folder: Path) -> list[AdbServer]:
    """Start two at once: each takes seconds."""
    waiting = [private_adb_server(_made(folder / name)) for name in ("1", "2")]
    with ThreadPoolExecutor(len(waiting)) as pool:
        return list(pool.map(stack.enter_context, waiting))


def _nothing_there() -> ByteStream:
    raise PhoneLostError("the way is blocked")


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _shared_out(rack: RackService) -> Assignment:
    applied = wait_for(rack, lambda snapshot: snapshot.applied is not None).applied
    assert applied is not None
    bounds = (0, 2, 4, 6, applied.layer_count)
    stages = tuple(
        held(serial, first, end - 1)
        for serial, (first, end) in zip(SERIALS, pairwise(bounds), strict=True)
    )
    return placed(applied.model, applied.layer_count, stages)


def _state(snapshot: RackSnapshot, serial: Serial) -> DeviceState:
    return next(phone.state for phone in snapshot.phones if phone.serial == serial)


def _all_ready(snapshot: RackSnapshot) -> bool:
    ready = {DeviceState.READY, DeviceState.WORKING}
    return len(snapshot.phones) == len(SERIALS) and all(
        phone.state in ready for phone in snapshot.phones
    )
