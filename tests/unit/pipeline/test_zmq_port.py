"""A worker's port: what it tells of a flood, and that it lives after this computer stood still."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import zmq
import zmq.asyncio

from app.pipeline.worker_client import WorkerAddress
from app.pipeline.zmq_port import HostKeys, ZmqPort
from workers.network.curve import INBOX_DOMAIN, CurveKeys, bind_server

_STANDSTILL = """
import asyncio, sys, time
import zmq, zmq.asyncio
from app.pipeline.worker_client import WorkerAddress
from app.pipeline.zmq_port import HostKeys, ZmqPort

async def host():
    keys = HostKeys(*(key.decode() for key in zmq.curve_keypair()))
    address = WorkerAddress("127.0.0.1", int(sys.argv[1]), int(sys.argv[1]), sys.argv[2])
    port = ZmqPort(zmq.asyncio.Context(), address, keys)
    await port.heartbeat()
    time.sleep(1.5)
    for _ in range(200):
        await port.heartbeat()
    print("lives", flush=True)
    port.close()

asyncio.run(host())
"""


@pytest.fixture
def context() -> Iterator[zmq.Context[zmq.Socket[bytes]]]:
    with zmq.Context() as context:
        yield context


def _keys() -> CurveKeys:
    return CurveKeys(*(key.decode() for key in zmq.curve_keypair()))


def test_a_host_that_stood_still_outlives_a_worker_that_gave_its_connection_up(
    context: zmq.Context[zmq.Socket[bytes]],
) -> None:
    keys = _keys()
    pulse = context.socket(zmq.PUB)
    pulse.curve_server, pulse.curve_secretkey = True, keys.secret_key.encode()
    pulse.heartbeat_ivl, pulse.heartbeat_timeout, pulse.linger = 10, 300, 0
    port = pulse.bind_to_random_port("tcp://127.0.0.1")
    host = subprocess.Popen(
        [sys.executable, "-c", _STANDSTILL, str(port), keys.public_key],
        stdout=subprocess.PIPE,
    )
    try:
        while host.poll() is None:
            pulse.send(bytes(200))
            pulse.poll(5)
        assert host.stdout is not None
        assert (host.returncode, host.stdout.read()) == (0, b"lives\n")
    finally:
        host.kill()
        host.communicate()
        pulse.close()


async def test_a_message_tells_whether_another_one_waits_already() -> None:
    keys = _keys()
    with zmq.asyncio.Context() as context:
        inbox = context.socket(zmq.DEALER)
        inbox.curve_server, inbox.curve_secretkey = True, keys.secret_key.encode()
        number = inbox.bind_to_random_port("tcp://127.0.0.1")
        address = WorkerAddress("127.0.0.1", number, number, keys.public_key)
        own = HostKeys(*(key.decode() for key in zmq.curve_keypair()))
        port = ZmqPort(context, address, own)
        for _ in range(500):
            await inbox.send(b"x")
        waits = [(await port.receive()).more_waits for _ in range(500)]
        assert waits.count(True) > 250
        assert not waits[-1]
        port.close()
        inbox.close(0)


def test_no_socket_asks_by_zeromqs_own_heartbeat(
    context: zmq.Context[zmq.Socket[bytes]],
) -> None:
    """Its due heartbeat on a broken connection with a full queue ends the process."""
    server, _ = bind_server(context, zmq.ROUTER, INBOX_DOMAIN, "127.0.0.1", _keys())
    with server:
        assert server.heartbeat_ivl == 0
        assert server.tcp_keepalive == 1
