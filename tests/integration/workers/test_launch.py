"""How a worker is launched and reached on a phone: from a zip file, through a proxy, and left."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from tests.integration.workers.model import ToyModel
from tests.integration.workers.ring import (
    REPOSITORY,
    Ring,
    WorkerProcess,
    new_keys,
    running_ring,
    told,
    wait_until,
)
from workers.engine.light_sleep import LightSleep
from workers.engine.spans import SpanTable
from workers.identity.identity import Identity
from workers.network.curve import QUEUED_MESSAGES, Admission, CurveKeys, connect_client
from workers.network.inbox import Inbox
from workers.network.links import OutboundLinks
from workers.network.outlets import Outlets
from workers.network.pulse import ActivityBoard
from workers.protocol.codec import raw_frames, read_raw
from workers.protocol.wire import PROTOCOL_VERSION, Kind
from workers.replicas.replicas import Replicas
from workers.ring.parts import WorkerParts
from workers.ring.transactions import TransactionTable
from workers.server import WorkerServer

PROMPT = [1, 40, 7, 93, 22]


class _Socks5Relay(socketserver.BaseRequestHandler):
    """SOCKS 5 (RFC 1928), CONNECT without authentication; notes where it was asked to go."""

    asked: list[int]

    def handle(self) -> None:
        _version, methods = self._read(2)
        self._read(methods)
        self.request.sendall(b"\x05\x00")
        kind = self._read(4)[3]
        host = (
            socket.inet_ntoa(self._read(4)) if kind == 1 else self._read(self._read(1)[0]).decode()
        )
        port = struct.unpack(">H", self._read(2))[0]
        self.server.asked.append(port)  # type: ignore[attr-defined]
        with socket.create_connection((host, port)) as target:
            self.request.sendall(b"\x05\x00\x00\x01" + bytes(6))
            back = threading.Thread(target=_pump, args=(target, self.request), daemon=True)
            back.start()
            _pump(self.request, target)

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += self.request.recv(count - len(data)) or pytest.fail("relay cut off")
        return data


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


class _RelayServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Socks5Relay)
        self.asked: list[int] = []


@pytest.fixture
def relay() -> Iterator[_RelayServer]:
    server = _RelayServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_steps_go_through_the_proxy_of_the_environment(
    model: ToyModel, relay: _RelayServer, tmp_path: Path
) -> None:
    proxy = f"socks5h://127.0.0.1:{relay.server_address[1]}"
    with running_ring(tmp_path, model, [(0, 1), (2, 3)], proxy) as ring:
        assert ring.generate(ring.open(), PROMPT, 5) == model.greedy(PROMPT, 5)
        assert set(relay.asked) == {ring.workers[1].ready().inbox_port}


def test_a_link_refused_at_first_is_reported_and_works_once_admitted(
    model: ToyModel, tmp_path: Path
) -> None:
    with running_ring(tmp_path, model, [(0, 1), (2, 3)]) as ring:
        ring.peers[1].done(Kind.ADMIT, keys=[])
        refused = ring.open()
        reasons = _steps_until_broken(ring, refused)
        assert "does not admit" in reasons
        ring.peers[1].done(Kind.ADMIT, keys=[ring.workers[0].keys.public_key])
        assert ring.generate(ring.open(slot=1), PROMPT, 3) == model.greedy(PROMPT, 3)


def _steps_until_broken(ring: Ring, transaction: str) -> str:
    """Send steps, fewer than fit a queue, until the first stage knows that it was turned away."""
    number = 0
    while not ring.peers[0].socket.poll(300):
        ring.step(transaction, number, 0, PROMPT, 0)
        number += 1
        assert number < QUEUED_MESSAGES, "the refusal was never reported"
    return told(ring.peers[0].receive().fields)


def test_a_worker_runs_from_a_zip_file(tmp_path: Path) -> None:
    archive = tmp_path / "workers.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in sorted((REPOSITORY / "workers").glob("*.py")):
            packed.write(path, f"workers/{path.name}")
    host = new_keys()
    worker = WorkerProcess(tmp_path / "phone", "phone", host.public_key, python_path=archive)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    try:
        endpoint = f"tcp://127.0.0.1:{worker.ready().inbox_port}"
        dealer = connect_client(context, endpoint, worker.keys.public_key, host, None)
        fields = {"call": 1, "protocol": PROTOCOL_VERSION, "nonce": bytes(32)} | {
            "host_key": bytes(32)
        }
        dealer.send_multipart(raw_frames(Kind.HELLO, fields))
        assert dealer.poll(60_000)
        assert read_raw(dealer.recv_multipart()).kind == Kind.DONE
        worker.process.terminate()
        assert worker.process.wait(60) == 0
    finally:
        worker.end()
        context.destroy(0)


def test_a_worker_its_host_forgot_ends_by_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    admission = Admission("host")
    spans = SpanTable(tmp_path)
    parts = WorkerParts(
        serial="phone",
        transport_key="",
        threads=1,
        identity=Identity(tmp_path / "identity"),
        admission=admission,
        inbox=Inbox(context.socket(zmq.ROUTER), admission),
        links=OutboundLinks(context, CurveKeys("", ""), None),
        outlets=Outlets(),
        spans=spans,
        transactions=TransactionTable(spans),
        replicas=Replicas(tmp_path, b"", OutboundLinks(context, CurveKeys("", ""), None)),
        board=ActivityBoard(),
        sleep=LightSleep(tmp_path / "nothing"),
    )
    server = threading.Thread(target=WorkerServer(parts, host_silence_limit_s=0).serve, daemon=True)
    server.start()
    wait_until(lambda: not server.is_alive(), "the end of the forgotten worker")
    context.destroy(0)
    assert "nothing heard from the host" in capsys.readouterr().err
