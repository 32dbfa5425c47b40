"""Phones that only their ADB connection reaches, beside others: the same tokens by other ways."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from statistics import median

import pytest

from app.core.device import Route
from app.core.identifiers import HOST, Serial
from app.devices.adb.stream import ByteStream
from app.devices.links import byte_pump
from app.faults.catalogue import Fault, FaultKind
from app.pipeline.worker_client import WorkerClient
from app.rack.commands import Inject, MeasureLinks
from app.rack.options import RackOptions
from app.rack.service import RackService
from app.rack.snapshot import LinkSnapshot, RackSnapshot, RequestState
from app.words.sentences import fact_text
from tests.integration.devices.rack import until
from tests.integration.rack.support import (
    HELD,
    PATIENCE,
    finish,
    generate,
    open_rack_of,
    paused_before,
    start,
    wait_for,
    whole_demo_tokens,
)

TOKENS = 30
MEASURED = 5
"""How often links are measured at most until a machine that stands still now and then says so."""
SERIALS = tuple(Serial(f"WAY-{number}") for number in (1, 2, 3))
PHONE = """
[[phones]]
serial = "{serial}"
name = "{serial}"
manufacturer = "Nobody"
android_version = "14"
cores = 4
memory_bytes = 4_000_000_000
"""


@contextmanager
def rack_of(folder: Path, *more: str) -> Iterator[RackService]:
    """Open a rack of phones that differ in those lines of their tables."""
    file = folder / "rack.toml"
    phones = (
        PHONE.format(serial=serial) + lines for serial, lines in zip(SERIALS, more, strict=True)
    )
    file.write_text('name = "ways"\nuse = "all"\naudit_rate = 1.0\n' + "\n".join(phones))
    with rack_at(str(file), folder / "home") as rack:
        yield rack


def rack_at(name: str, home: Path) -> AbstractContextManager[RackService]:
    return open_rack_of(RackOptions(home=home, rack=name, patience=PATIENCE))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, ...]:
    return whole_demo_tokens(tmp_path_factory.mktemp("library"), TOKENS)


def routes(rack: RackService) -> dict[tuple[Serial, Serial], Route]:
    """Return the route of every pair, once all were measured."""
    rack.do(MeasureLinks()).result(90)
    pairs = len(SERIALS) * (len(SERIALS) + 1)
    snapshot = wait_for(rack, lambda snapshot: len(snapshot.links) == pairs)
    return {(link.sender, link.receiver): link.route for link in snapshot.links}


class Tap:
    """Keeps a copy of all bytes that pass through this computer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._kept: dict[int, bytearray] = {}
        self._turn = threading.Lock()
        carry = byte_pump.carry

        def tapped(connection: object, stream: ByteStream) -> None:
            carry(connection, _Tapped(stream, self._keep))  # type: ignore[arg-type]

        for module in ("port_forward", "session_source"):
            monkeypatch.setattr(f"app.devices.links.{module}.carry", tapped)

    @property
    def bytes_seen(self) -> bytes:
        with self._turn:
            return b"".join(bytes(kept) for kept in self._kept.values())

    def _keep(self, stream: int, data: bytes) -> None:
        with self._turn:
            self._kept.setdefault(stream, bytearray()).extend(data)


class _Tapped:
    def __init__(self, stream: ByteStream, keep: Callable[[int, bytes], None]) -> None:
        self._stream = stream
        self._keep = keep

    def send(self, data: bytes) -> None:
        self._keep(id(self._stream), data)
        self._stream.send(data)

    def receive(self) -> bytes:
        data = self._stream.receive()
        self._keep(-id(self._stream), data)
        return data

    def wait_for_ever(self) -> None:
        self._stream.wait_for_ever()

    def close(self) -> None:
        self._stream.close()


def test_phones_on_cables_only_give_the_tokens_of_the_reference_and_nothing_is_read_on_the_way(
    tmp_path: Path, expected: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    tap = Tap(monkeypatch)
    with rack_of(tmp_path, *["wifi = false"] * 3) as rack:
        request = generate(rack, TOKENS)
        assert request.token_ids == expected
        assert (request.state, request.failovers) == (RequestState.SETTLED, 0)
        assert {phone.route for phone in rack.snapshot().phones} == {Route.ADB}
        seen = tap.bytes_seen
        assert seen.count(b"CURVE") >= 5  # the handshakes, which are not secret
        for word in (
            b"transaction",
            b"heartbeat",
            b"hidden_size",
            b"poip/v1",
            *map(str.encode, SERIALS),
        ):
            assert word not in seen


def test_an_adb_connection_that_breaks_in_the_middle_costs_no_token(
    tmp_path: Path, expected: tuple[int, ...]
) -> None:
    with rack_of(tmp_path, *["wifi = false"] * 3) as rack:
        with paused_before(HELD) as pause:
            identifier = start(rack, TOKENS)
            pause.wait()
            connection = _connection(rack, SERIALS[1])
            rack.do(Inject(Fault(FaultKind.ADBD_RESTART, SERIALS[1]))).result(60)
            until(lambda: connection.lost)
        request = finish(rack, identifier)
        assert request.state is RequestState.SETTLED
        assert request.failovers >= 1
        assert request.token_ids == expected
        wait_for(rack, _all_ready)
        assert generate(rack, TOKENS).token_ids == expected


def test_a_mixed_rack_takes_each_way_that_works(tmp_path: Path, expected: tuple[int, ...]) -> None:
    cabled, apart, free = SERIALS
    with rack_of(tmp_path, "wifi = false", "isolated = true", "") as rack:
        assert generate(rack, TOKENS).token_ids == expected
        found = routes(rack)
        assert _towards(found, HOST, cabled) == {Route.ADB}
        assert _towards(found, HOST, apart) == _towards(found, HOST, free) == {Route.DIRECT}
        relayed = {pair for pair, route in found.items() if route is Route.RELAYED}
        assert relayed == {
            (cabled, apart),
            (cabled, free),
            (apart, cabled),
            (apart, free),
            (free, cabled),
        }
        told = [fact_text(event.fact) for event in rack.snapshot().timeline]
        assert f"{cabled} has no Wi-Fi: its worker is reached through adb." in told
        assert len([text for text in told if "passes on what it sends, unread" in text]) == 3


def test_links_are_measured_near_what_they_are_held_to(tmp_path: Path) -> None:
    shaped = ("link_latency_ms = 5", "link_mbit_per_second = 50", "")
    with rack_of(tmp_path, *shaped) as rack:
        routes(rack)
        shown = rack.snapshot()
        links = shown.links
        far, narrow, free = (_from(links, serial) for serial in SERIALS)
        to_far = [link for link in links if link.receiver == SERIALS[0] or link in far]
        assert len(to_far) == 2 * len(SERIALS) - 1
        assert all(link.profile.latency_s >= 0.0045 for link in to_far)
        assert all(link.route is Route.DIRECT for link in free)
        assert all(link.is_fresh(shown.at_s) for link in links)
        rates = {link.receiver: [link.profile.bytes_per_second] for link in narrow}
        while not all(0.5e6 <= median(measured) <= 12e6 for measured in rates.values()):
            assert len(rates[SERIALS[0]]) < MEASURED, rates
            routes(rack)
            for link in _from(rack.snapshot().links, SERIALS[1]):
                rates[link.receiver].append(link.profile.bytes_per_second)


def _from(links: Sequence[LinkSnapshot], serial: Serial) -> list[LinkSnapshot]:
    found = [link for link in links if link.sender == serial and link.receiver != HOST]
    assert len(found) == len(SERIALS) - 1
    return found


def _towards(found: dict[tuple[Serial, Serial], Route], here: Serial, there: Serial) -> set[Route]:
    return {found[here, there], found[there, here]}


def _connection(rack: RackService, serial: Serial) -> WorkerClient:
    assert rack._rack is not None
    client = rack._rack.fleet.phones[serial].client
    assert client is not None
    return client


def _all_ready(snapshot: RackSnapshot) -> bool:
    return all(phone.state.value in {"ready", "working"} for phone in snapshot.phones)
