"""What a worker must not do: trust strangers, damaged files or malformed messages."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import zmq

from tests.integration.workers.model import ToyModel
from tests.integration.workers.ring import (
    SPAN,
    Peer,
    Ring,
    WorkerProcess,
    new_keys,
    running_ring,
    step_row,
    wait_until,
)
from workers.protocol.configuration import READY_FILE
from workers.protocol.step_message import step_frame
from workers.protocol.wire import PROTOCOL_VERSION, Kind

PROMPT = [1, 40, 7, 93, 22]


@pytest.fixture
def ring(model: ToyModel, tmp_path: Path) -> Iterator[Ring]:
    with running_ring(tmp_path, model, [(0, 1), (2, 3)]) as running:
        yield running


@pytest.fixture(scope="module")
def steady_ring(model: ToyModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ring]:
    """Yield a ring for tests after which it is as it was."""
    with running_ring(tmp_path_factory.mktemp("steady"), model, [(0, 1), (2, 3)]) as running:
        yield running


def _hello(peer: Peer) -> None:
    peer.done(Kind.HELLO, protocol=PROTOCOL_VERSION, nonce=bytes(32), host_key=bytes(32))


def test_a_key_that_is_not_admitted_cannot_connect(ring: Ring) -> None:
    stranger = ring.connect(ring.workers[0], new_keys())
    monitor = stranger.socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_AUTH)
    stranger.socket.disconnect(ring.endpoint(ring.workers[0]))
    stranger.socket.connect(ring.endpoint(ring.workers[0]))
    stranger.send(Kind.STOP, {"call": 1})
    assert monitor.poll(60_000), "the handshake was not refused"
    stranger.socket.disable_monitor()
    _hello(ring.peers[0])


def test_a_phone_cannot_command_another(ring: Ring) -> None:
    phone = ring.connect(ring.workers[1], ring.workers[0].keys)
    phone.send(Kind.STOP, {"call": 1})
    wait_until(lambda: "only the host commands" in ring.workers[1].log(), "the refusal")
    _hello(ring.peers[1])
    assert not phone.socket.poll(0)


def test_a_phone_no_longer_admitted_is_not_listened_to(ring: Ring) -> None:
    phone = ring.connect(ring.workers[1], ring.workers[0].keys)
    phone.send(Kind.STOP, {"call": 1})
    wait_until(lambda: "only the host commands" in ring.workers[1].log(), "the connection")
    ring.peers[1].done(Kind.ADMIT, keys=[])
    phone.send_step([step_row("unknown", 0, 0, 1)], np.zeros((1, 1), np.int64))
    wait_until(lambda: "not admitted" in ring.workers[1].log(), "the refusal")


def test_a_step_is_taken_only_from_the_stage_before(ring: Ring, model: ToyModel) -> None:
    transaction = ring.open()
    intruder = ring.connect(ring.workers[0], ring.workers[1].keys)
    intruder.send_step([step_row(transaction, 0, 0, 1)], np.array([PROMPT], np.int64))
    wait_until(lambda: "the stage before" in ring.workers[0].log(), "the refusal")
    assert ring.generate(transaction, PROMPT, 3) == model.greedy(PROMPT, 3)


def test_a_phone_may_not_listen_to_the_pulse_of_another(ring: Ring) -> None:
    phone, other = ring.workers
    listener = ring.context.socket(zmq.SUB)
    listener.curve_serverkey = other.keys.public_key.encode()
    listener.curve_publickey = phone.keys.public_key.encode()
    listener.curve_secretkey = phone.keys.secret_key.encode()
    monitor = listener.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_AUTH)
    listener.subscribe(b"")
    listener.connect(f"tcp://127.0.0.1:{other.ready().pulse_port}")
    assert monitor.poll(60_000), "the handshake was not refused"
    listener.disable_monitor()


def test_malformed_messages_are_dropped_and_work_goes_on(ring: Ring, model: ToyModel) -> None:
    raw = ring.peers[0].socket
    for frames in ([b""], [b"\xc1", b"extra"], [b"\x80", b"extra"], [b"\x81\xa4kind\xa5hello"]):
        raw.send_multipart(frames)
    ring.peers[0].send(Kind.HELLO, {"call": "one"})
    rows = [step_row("unknown", 0, 0, 1)]
    raw.send(step_frame(rows, (), np.zeros((1, 2), np.int64))[:-8])
    broken = ring.peers[0].receive()
    assert (broken.kind, broken.fields["transactions"]) == (Kind.BROKEN, ["unknown"])
    assert ring.generate(ring.open(), PROMPT, 3) == model.greedy(PROMPT, 3)
    assert "malformed" in ring.workers[0].log()


@pytest.mark.parametrize("which", ["graph", "blob"])
def test_a_damaged_file_is_named_and_not_loaded(ring: Ring, which: str) -> None:
    fields = {**ring.load_fields(0), "span": "second"}
    digest = fields["graph"] if which == "graph" else fields["blobs"][0][0]
    path = ring.workers[0].store / digest
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    reason = ring.peers[0].failure(Kind.LOAD, **fields)
    assert digest in reason
    assert "damaged" in reason
    assert "not loaded" in ring.peers[0].failure(Kind.UNLOAD, span="second")


def test_missing_short_and_unlisted_files_are_named(ring: Ring) -> None:
    fields = {**ring.load_fields(0), "span": "second"}
    (first, size_bytes), *others = fields["blobs"]
    short = {**fields, "blobs": [[first, size_bytes + 1], *others]}
    assert f"instead of {size_bytes + 1}" in ring.peers[0].failure(Kind.LOAD, **short)
    unlisted = ring.peers[0].failure(Kind.LOAD, **{**fields, "blobs": others})
    assert f"refers to file {first}" in unlisted
    (ring.workers[0].store / first).unlink()
    assert f"{first} is missing" in ring.peers[0].failure(Kind.LOAD, **fields)


@pytest.mark.parametrize("name", ["../../etc/passwd", "A" * 64, ""])
def test_a_file_name_that_is_no_hash_is_refused(steady_ring: Ring, name: str) -> None:
    fields = {**steady_ring.load_fields(0), "span": "second", "graph": name}
    assert "field graph" in steady_ring.peers[0].failure(Kind.LOAD, **fields)


def test_a_span_can_be_unloaded_and_loaded_again(ring: Ring, model: ToyModel) -> None:
    assert "already loaded" in ring.peers[0].failure(Kind.LOAD, **ring.load_fields(0))
    ring.peers[0].done(Kind.UNLOAD, span=SPAN)
    ring.peers[0].done(Kind.LOAD, **ring.load_fields(0))
    assert ring.generate(ring.open(), PROMPT, 2) == model.greedy(PROMPT, 2)


def test_a_killed_worker_leaves_nothing_bound_and_can_start_again(ring: Ring) -> None:
    worker = ring.workers[0]
    port = worker.ready().inbox_port
    key = (
        ring.peers[0]
        .done(Kind.HELLO, protocol=PROTOCOL_VERSION, nonce=bytes(32), host_key=bytes(32))
        .fields
    )
    worker.end()
    with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(("127.0.0.1", port))
    worker.restart()
    again = ring.connect(worker, ring.keys).done(
        Kind.HELLO, protocol=PROTOCOL_VERSION, nonce=bytes(32), host_key=bytes(32)
    )
    assert again.fields["public_key"] == key["public_key"]


def test_stop_and_sigterm_end_the_worker_cleanly(ring: Ring) -> None:
    ring.peers[0].done(Kind.STOP)
    ring.workers[1].process.terminate()
    for worker in ring.workers:
        assert worker.process.wait(60) == 0
        assert not (worker.folder / READY_FILE).exists()
        assert "Traceback" not in worker.log()


def test_a_worker_told_nonsense_at_launch_says_so_in_one_line(tmp_path: Path) -> None:
    worker = WorkerProcess(tmp_path, "phone", new_keys().public_key)
    worker.end()
    told = json.loads(worker.configuration_path.read_text()) | {"surprise": 1}
    worker.configuration_path.write_text(json.dumps(told))
    worker.log_path.unlink()
    worker.restart()
    assert worker.process.wait(60) == 1
    assert worker.log().count("\n") == 1
    assert "surprise" in worker.log()


def _next_stage(ring: Ring) -> Peer:
    """Return a connection to the second worker under the first one's key."""
    return ring.connect(ring.workers[1], ring.workers[0].keys)


def _complaint(ring: Ring) -> tuple[list[str], str, str]:
    broken = ring.peers[1].receive()
    assert broken.kind == Kind.BROKEN
    fields = broken.fields
    return fields["transactions"], fields["serial"], fields["code"]


@pytest.mark.parametrize("what", ["shape", "type", "step", "position", "not finite", "cut short"])
def test_rows_that_no_honest_phone_sends_are_told_apart_from_a_failure(
    steady_ring: Ring, model: ToyModel, what: str
) -> None:
    ring, transaction = steady_ring, steady_ring.open()
    hidden = model.engine(0, 1).run(0, 0, np.array([PROMPT], np.int64))
    step, position = int(what == "step"), int(what == "position")
    hidden = hidden[..., :-1].copy() if what == "shape" else hidden
    hidden = np.full_like(hidden, np.nan) if what == "not finite" else hidden
    hidden = hidden.astype(np.int64) if what == "type" else hidden
    frame = step_frame([step_row(transaction, step, position, 1)], (), hidden)
    sender = _next_stage(ring)
    sender.socket.send(frame[:-4] if what == "cut short" else frame)
    code = "missing-step" if what == "step" else "unusable-rows"
    assert _complaint(ring) == ([transaction], "phone1", code)
    assert ring.generate(transaction, PROMPT, 3) == model.greedy(PROMPT, 3)
    for peer in ring.peers:
        peer.done(Kind.CLOSE, transaction=transaction, kept_steps=0)


def test_nobody_makes_a_phone_complain_of_what_is_not_theirs(ring: Ring, model: ToyModel) -> None:
    transaction = ring.open()
    intruder = ring.connect(ring.workers[0], ring.workers[1].keys)
    frame = step_frame([step_row(transaction, 0, 0, 1)], (), np.zeros((1, 2), np.int64))
    intruder.socket.send(frame[:-8])
    wait_until(lambda: "failed: step." in ring.workers[0].log(), "the refusal")
    intruder.send_step([step_row("unknown", 0, 0, 1)], np.zeros((1, 1), np.int64))
    wait_until(
        lambda: "transaction.unknown_here(transaction=unknown)" in ring.workers[0].log(),
        "the refusal",
    )
    _hello(ring.peers[0])
    assert ring.generate(transaction, PROMPT, 3) == model.greedy(PROMPT, 3)


def test_a_receipt_covers_no_step_that_the_host_did_not_send(ring: Ring) -> None:
    transaction = ring.open()
    ring.generate(transaction, PROMPT, 3)
    for steps, signed in ((2, 2), (9, 2)):
        sealed = (
            ring.peers[1].done(Kind.SEAL, transaction=transaction, steps=steps, done=steps).fields
        )
        body = json.loads(sealed["receipt"])
        assert (body["steps"], body["tokens"]) == (signed, len(PROMPT) + 1)
    assert "field steps" in ring.peers[0].failure(
        Kind.SEAL, transaction=transaction, steps=-1, done=0
    )
