"""Many streams at once, readers that are slow, and what is counted of them."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.gateway import answering
from app.gateway.openai import streaming
from tests.unit.gateway.fake_rack import (
    MODEL,
    TIMEOUT_S,
    FakeRack,
    FakeRequest,
    serving,
    write_all,
)
from tests.unit.gateway.raw_http import connect, exchange, get, post

STREAMS, TOKENS = 64, 60
LONG = 13_000
LARGE_TOKEN = 10**500
"""Its text is its number: some of them fill what sockets hold."""
FEW_BYTES = 512 << 10
MOST_IN_SOCKETS = 6 << 20
"""What Linux keeps of a stream for a reader of few bytes: 4 MB at the sender (tcp_wmem)."""


def request_for(tokens: int) -> bytes:
    """Return a request for a stream."""
    wanted = {"model": MODEL, "prompt": "x", "max_tokens": tokens, "stream": True}
    body = json.dumps(wanted).encode()
    head = (
        "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def text_of(body: bytes) -> str:
    """Return the text of a whole stream, whose chunks may be cut anywhere."""
    events = [line[6:] for line in body.decode().split("\n") if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    return "".join(json.loads(each)["choices"][0]["text"] for each in events[:-1])


def test_of_many_streams_at_once_each_gets_its_own_text_whole_and_in_order(
    tmp_path: Path,
) -> None:
    together = Barrier(STREAMS)

    def write_together(request: FakeRequest) -> None:
        together.wait(TIMEOUT_S)
        start = int(str(request.request.identifier), 16) * 1000
        for token in range(start, start + TOKENS):
            request.say(token)
        request.audit()
        request.end()

    with (
        serving(FakeRack(write_together), tmp_path, places=STREAMS) as gateway,
        ThreadPoolExecutor(STREAMS) as clients,
    ):
        answers = list(
            clients.map(lambda _: exchange(gateway, request_for(TOKENS)), range(STREAMS))
        )
    texts = {tuple(map(int, text_of(unchunked(answer.body)).split())) for answer in answers}
    assert {(text[0], len(text)) for text in texts} == {
        (number * 1000, TOKENS) for number in range(1, STREAMS + 1)
    }
    assert all(text == tuple(range(text[0], text[0] + TOKENS)) for text in texts)


def unchunked(body: bytes) -> bytes:
    """Return what a body in chunks holds (RFC 9112, section 7.1)."""
    parts: list[bytes] = []
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        parts.append(body[:length])
        body = body[length + 2 :]
    return b"".join(parts)


def test_a_slow_reader_keeps_no_place_and_misses_nothing(tmp_path: Path) -> None:
    """More is written than sockets hold, so that the slow one's stream stands still."""

    def write_much(request: FakeRequest) -> None:
        for token in range(request.request.tokens_wanted):
            request.say(LARGE_TOKEN + token)
        request.audit()
        request.end()

    rack = FakeRack(write_much)
    with serving(rack, tmp_path, places=1) as gateway, connect(gateway, FEW_BYTES) as slow:
        slow.sendall(request_for(LONG))
        first = slow.recv(100)
        assert get(gateway, "/healthz").status == 200
        other = exchange(gateway, request_for(5))  # there is one place, and it is free again
        assert len(text_of(unchunked(other.body)).split()) == 5
        answer = first + b"".join(iter(lambda: slow.recv(1 << 16), b""))
    text = text_of(unchunked(answer.partition(b"\r\n\r\n")[2]))
    assert text == " ".join(str(LARGE_TOKEN + token) for token in range(LONG))
    assert len(answer) > MOST_IN_SOCKETS


def test_who_reads_nothing_for_long_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "SEND_TIMEOUT_S", 0.2)

    def write_without_end(request: FakeRequest) -> None:
        while not request.cancelled.wait(0.0005):
            for _ in range(20):
                request.say(LARGE_TOKEN)
        request.end()

    rack = FakeRack(write_without_end)
    with serving(rack, tmp_path) as gateway, connect(gateway, FEW_BYTES) as silent:
        silent.sendall(request_for(1_000_000))
        silent.recv(100)
        (request,) = rack.requests.values()
        assert request.cancelled.wait(TIMEOUT_S)


def test_a_stream_without_news_shows_that_it_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "LOOK_INTERVAL_S", 0.01)
    monkeypatch.setattr(streaming, "QUIET_READS", 2)
    go_on = Event()

    def write_late(request: FakeRequest) -> None:
        assert go_on.wait(TIMEOUT_S)
        write_all(request)

    with serving(FakeRack(write_late), tmp_path) as gateway, connect(gateway) as client:
        client.sendall(request_for(2))
        got = b""
        while b": still working" not in got:
            got += client.recv(1000)
        go_on.set()
        got += b"".join(iter(lambda: client.recv(1 << 16), b""))
    assert text_of(unchunked(got.partition(b"\r\n\r\n")[2])) == "1 2"


def test_prometheus_reads_what_was_counted(tmp_path: Path) -> None:
    with serving(FakeRack(), tmp_path) as gateway:
        exchange(gateway, request_for(7))
        post(gateway, "/v1/completions", b"no json")
        answer = get(gateway, "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = {each.name: each for each in text_string_to_metric_families(answer.body.decode())}
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert samples["shardloom_http_requests_total", "/v1/completions", "200"] == 1
    assert samples["shardloom_http_requests_total", "/v1/completions", "400"] == 1
    assert samples["shardloom_answers_total", "verified"] == 1
    assert samples["gen_ai_client_token_usage_tokens_total", "output"] == 7
    assert samples["shardloom_rack_phase", "ready"] == 1
    assert all(family.documentation for family in families.values())


@pytest.mark.parametrize("places", [1, 3])
def test_places_bound_what_the_rack_computes_at_once(tmp_path: Path, places: int) -> None:
    running: list[int] = []
    most: list[int] = []
    all_at_once = Barrier(places)

    def write(request: FakeRequest) -> None:
        running.append(1)
        all_at_once.wait(TIMEOUT_S)
        time.sleep(0.005)  # for one too many
        most.append(len(running))
        request.say(1)
        running.pop()  # before it says so
        request.audit()
        request.end()

    with (
        serving(FakeRack(write), tmp_path, places=places) as gateway,
        ThreadPoolExecutor(12) as clients,
    ):
        answers = clients.map(lambda _: exchange(gateway, request_for(1)), range(24))
        assert {answer.status for answer in answers} == {200}
    assert max(most) == places
