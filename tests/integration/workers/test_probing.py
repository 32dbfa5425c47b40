"""Workers that measure the way to each other, and where their sockets can be reached."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import cast

import pytest
import zmq

from tests.integration.workers.model import ToyModel
from tests.integration.workers.ring import Ring, new_keys, wait_until
from workers.network.curve import PULSE_DOMAIN, bind_server
from workers.protocol.wire import Kind


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ring]:
    folder = tmp_path_factory.mktemp("probing")
    model = ToyModel(folder / "model")
    ring = Ring(folder, model, [(0, 1), (2, 3)])
    yield ring
    ring.close()


def admit(ring: Ring) -> None:
    for peer in ring.peers:
        peer.done(Kind.ADMIT, keys=[worker.keys.public_key for worker in ring.workers])


def fields(ring: Ring, **changes: object) -> dict[str, object]:
    """Return what asks the first worker for the way to the second."""
    return {
        "endpoint": ring.endpoint(ring.workers[1]),
        "key": ring.workers[1].keys.public_key,
        "pings": 5,
        "size_bytes": 1 << 20,
        "limit_s": 5.0,
        **changes,
    }


def test_a_worker_measures_the_way_to_another(ring: Ring) -> None:
    admit(ring)
    wait_until(lambda: (_rate(ring) or 0.0) > 1e5, "a rate of a machine that did not stand still")
    small = ring.peers[0].done(Kind.PROBE, **fields(ring, size_bytes=0)).fields
    assert small["bytes_per_second"] is None


def _rate(ring: Ring) -> float | None:
    measured = ring.peers[0].done(Kind.PROBE, **fields(ring)).fields
    assert 0 < measured["round_trip_s"] < 5
    return cast("float | None", measured["bytes_per_second"])


def test_a_worker_answers_the_host_with_as_many_bytes_as_it_asks_for(ring: Ring) -> None:
    assert ring.peers[0].done(Kind.PING, answer_bytes=0).tensors == ()
    (answer,) = ring.peers[0].done(Kind.PING, answer_bytes=40_000).tensors
    assert answer.nbytes == 40_000


@pytest.mark.parametrize("answer_bytes", [-4, 3, (1 << 20) + 4, "many", None])
def test_a_question_for_an_impossible_answer_is_refused(ring: Ring, answer_bytes: object) -> None:
    assert "field answer_bytes" in ring.peers[0].failure(Kind.PING, answer_bytes=answer_bytes)
    assert ring.peers[0].done(Kind.PING, answer_bytes=0).tensors == ()


def test_a_way_that_leads_nowhere_is_told_in_time(ring: Ring) -> None:
    admit(ring)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        endpoint = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        told = ring.peers[0].failure(Kind.PROBE, **fields(ring, endpoint=endpoint, limit_s=0.2))
    assert told == f"{endpoint} did not answer within 0.2 s"


def test_another_key_than_the_phones_own_gets_no_answer(ring: Ring) -> None:
    admit(ring)
    wrong = fields(ring, key=new_keys().public_key, limit_s=0.2)
    assert "did not answer" in ring.peers[0].failure(Kind.PROBE, **wrong)


def test_a_phone_that_is_not_admitted_gets_no_answer(ring: Ring) -> None:
    ring.peers[1].done(Kind.ADMIT, keys=[])
    assert "did not answer" in ring.peers[0].failure(Kind.PROBE, **fields(ring, limit_s=0.2))


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": "ipc:///tmp/somewhere"},
        {"key": "short"},
        {"pings": 0},
        {"pings": 51},
        {"size_bytes": 1 << 30},
        {"limit_s": 60.0},
    ],
)
def test_what_cannot_be_measured_is_refused(ring: Ring, change: dict[str, object]) -> None:
    assert ring.peers[0].failure(Kind.PROBE, **fields(ring, **change))


def test_a_socket_bound_elsewhere_is_reached_at_loopback_too(ring: Ring) -> None:
    """Adb's forward comes out at 127.0.0.1 and nowhere else."""
    bound, port = bind_server(ring.context, zmq.PUB, PULSE_DOMAIN, "127.0.0.2", new_keys())
    for address in ("127.0.0.1", "127.0.0.2"):
        socket.create_connection((address, port), 10).close()
    bound.close(0)
