from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
import zmq

from tests.saying import raises_telling
from workers.errors import RequestRefusedError
from workers.network.curve import (
    INBOX_DOMAIN,
    QUEUED_MESSAGES,
    Admission,
    CurveKeys,
    bind_server,
    start_authenticator,
)
from workers.network.links import MAXIMUM_LINKS, OutboundLinks, _Link
from workers.protocol.commands import NextHop


def _keys() -> CurveKeys:
    public, secret = zmq.curve_keypair()
    return CurveKeys(public.decode(), secret.decode())


@pytest.fixture
def links() -> Iterator[OutboundLinks]:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    opened = OutboundLinks(context, _keys(), None)
    yield opened
    opened.close()
    context.destroy(0)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Return a port that is taken and never answers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_a_phone_that_never_answers_is_reported_once_its_queue_is_full(
    links: OutboundLinks, silent_port: int
) -> None:
    hop = NextHop(f"tcp://127.0.0.1:{silent_port}", _keys().public_key)
    for _ in range(QUEUED_MESSAGES):
        links.send(hop, b"step")
    with raises_telling(RequestRefusedError, match="takes no more steps"):
        links.send(hop, b"step")


def test_a_refusal_that_arrives_while_sending_is_named_as_one(
    links: OutboundLinks, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hop = NextHop(f"tcp://127.0.0.1:{silent_port}", _keys().public_key)
    for _ in range(QUEUED_MESSAGES):
        links.send(hop, b"step")
    monkeypatch.setattr(_Link, "refused", property(lambda _: True))
    with raises_telling(RequestRefusedError, match="does not admit"):
        links.send(hop, b"step")


def test_the_link_unused_for_longest_gives_way(links: OutboundLinks, silent_port: int) -> None:
    endpoint = f"tcp://127.0.0.1:{silent_port}"
    hops = [NextHop(endpoint, _keys().public_key) for _ in range(MAXIMUM_LINKS + 1)]
    for hop in hops[:-1]:
        links.connect(hop)
    links.connect(hops[0])
    links.connect(hops[-1])
    assert set(links._links) == {*hops} - {hops[1]}


@pytest.mark.parametrize("endpoint", ["ipc:///elsewhere", "inproc://elsewhere", "elsewhere"])
def test_only_tcp_is_connected_to(links: OutboundLinks, endpoint: str) -> None:
    with raises_telling(RequestRefusedError, match="not a tcp"):
        links.connect(NextHop(endpoint, _keys().public_key))


def test_a_key_that_is_none_is_refused_and_not_kept(links: OutboundLinks) -> None:
    with raises_telling(RequestRefusedError, match="cannot be connected"):
        links.connect(NextHop("tcp://127.0.0.1:1", "short"))
    assert not links._links


def test_a_refusal_that_comes_before_connecting_has_returned_is_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    server_keys = _keys()
    authenticator = start_authenticator(context, Admission(_keys().public_key))
    server, port = bind_server(context, zmq.ROUTER, INBOX_DOMAIN, "127.0.0.1", server_keys)
    links = OutboundLinks(context, _keys(), None)
    connect = zmq.Socket.connect

    def return_late(socket: zmq.Socket[bytes], endpoint: str) -> object:
        connected = connect(socket, endpoint)
        if endpoint.startswith("tcp:"):
            socket.poll(500)
        return connected

    monkeypatch.setattr(zmq.Socket, "connect", return_late)
    try:
        hop = NextHop(f"tcp://127.0.0.1:{port}", server_keys.public_key)
        links.connect(hop)
        deadline_s = time.monotonic() + 60
        while not links._links[hop].refused:
            assert time.monotonic() < deadline_s, "the refusal was not heard"
    finally:
        links.close()
        server.close(0)
        authenticator.stop()
        context.destroy(0)
