"""Whatever is sent, there is one clear answer, it is no 500, and the next client is served.

A short run here. `SHARDLOOM_FUZZ=50000` in the environment sends as many bodies as wanted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.gateway import server
from app.gateway.access import large_bodies
from app.gateway.openai import bodies
from app.gateway.openai.schema import ChatBody, CompletionBody, EmbeddingBody
from app.gateway.server import Gateway
from tests.unit.gateway.fake_rack import MODEL, FakeRack, FakeRequest, serving
from tests.unit.gateway.raw_http import connect, exchange, get, post

CASES = int(os.environ.get("SHARDLOOM_FUZZ", "60"))
PATHS = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings")
CHAT: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "x"}],
    "max_tokens": 1,
}
FIELDS = sorted(
    {name for body in (ChatBody, CompletionBody, EmbeddingBody) for name in body.model_fields}
)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with serving(FakeRack(play), tmp_path_factory.mktemp("home")) as gateway:
        yield gateway


def play(request: FakeRequest) -> None:
    if request.ask.task.kind == "embed":
        request.embed()
    else:
        request.say(1)
        request.end()


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 70), 1 << 70)
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.text(max_size=20)
    | st.sampled_from(["user", "assistant", MODEL, "float", "hold"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | st.sampled_from(FIELDS), inner, max_size=4)
    ),
    max_leaves=12,
)
altered_bodies = st.builds(
    lambda body, changes: {**body, **changes},
    st.sampled_from([CHAT, {"model": MODEL, "prompt": "x"}, {"model": MODEL, "input": "x"}]),
    st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=3),
)


@settings(max_examples=CASES)
@given(path=st.sampled_from(PATHS), body=altered_bodies | json_values)
def test_no_json_is_answered_with_a_failure_of_ours(
    gateway: Gateway, path: str, body: object
) -> None:
    answer = post(gateway, path, json.dumps(body).encode())
    assert answer.status in (200, 400, 404), answer
    if answer.status != 200:
        assert answer.error["message"]
        assert answer.error["type"] == "invalid_request_error"


@given(path=st.sampled_from(PATHS), body=st.binary(max_size=200))
def test_what_is_no_json_is_refused(gateway: Gateway, path: str, body: bytes) -> None:
    answer = post(gateway, path, b"\xff" + body)
    assert (answer.status, answer.error["code"]) == (400, "not_json")


@given(request=st.binary(min_size=1, max_size=300))
def test_what_is_no_http_closes_its_own_connection_alone(gateway: Gateway, request: bytes) -> None:
    with connect(gateway) as connection:
        connection.sendall(b"\x00" + request + b"\r\n\r\n")
        answer = connection.recv(1 << 16)
    assert answer.startswith(b"HTTP/1.1 400")
    assert get(gateway, "/healthz").status == 200


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"messages":['])
@pytest.mark.parametrize("levels", [40, 100_000])
def test_a_body_nested_too_deeply_is_refused(gateway: Gateway, opening: bytes, levels: int) -> None:
    answer = post(gateway, PATHS[0], b'{"model":' + opening * levels)
    assert answer.status == 400
    closing = b"]" if opening == b"[" else b"]}" if opening.endswith(b"[") else b"}"
    whole = b'{"model":' + opening * levels + b"1" + closing * levels + b"}"
    answer = post(gateway, PATHS[0], whole)
    assert answer.status == 400
    assert answer.error["code"] in {"too_deep", "not_json"}


def test_a_body_too_large_is_refused_before_all_of_it_is_read(gateway: Gateway) -> None:
    head = b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    endless = head + b"Content-Length: 999999999\r\nConnection: close\r\n\r\n"
    body = b"x" * (bodies.MOST_BODY_BYTES + 1)
    answer = exchange(gateway, endless + body)
    assert (answer.status, answer.error["code"]) == (413, "body_too_large")


def test_large_bodies_have_few_places_and_give_them_back(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "MOST_BODY_BYTES", 100)
    large = json.dumps({**CHAT, "messages": [{"role": "user", "content": "x" * 200}]}).encode()
    for _ in range(large_bodies.MOST_LARGE + 1):
        assert post(gateway, PATHS[0], large).status == 200
        assert post(gateway, PATHS[0], large[:-1]).status == 400
    assert post(gateway, PATHS[1], large).status == 413
    monkeypatch.setattr(large_bodies, "MOST_LARGE", 0)
    answer = post(gateway, PATHS[0], large)
    assert (answer.status, answer.error["code"]) == (429, "large_bodies_full")
    assert int(answer.headers["retry-after"]) > 0
    small = {"model": MODEL, "messages": [{"role": "user", "content": "x"}], "n": 1}
    assert len(json.dumps(small)) < 100
    assert post(gateway, PATHS[0], json.dumps(small).encode()).status == 200


def test_a_body_that_never_comes_is_given_up(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "READ_TIMEOUT_S", 0.1)
    head = b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    answer = exchange(gateway, head + b"Content-Length: 10\r\nConnection: close\r\n\r\n{")
    assert (answer.status, answer.error["code"]) == (408, "body_too_slow")


def test_a_head_that_never_comes_is_given_up(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "HEAD_S", 0.2)
    with connect(gateway) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHo")
        assert connection.recv(100) == b""


def test_a_page_of_the_web_can_ask_for_nothing(gateway: Gateway) -> None:
    """A page may send plain texts anywhere, and have its own name lead to this computer."""
    body = json.dumps(CHAT).encode()
    assert post(gateway, PATHS[0], body, kind="text/plain").status == 415
    for host in ("evil.example", "localhost.evil.example", "", "[::1", "127.0.0.1@evil.example"):
        for answer in (
            post(gateway, PATHS[0], body, host=host),
            get(gateway, "/v1/models", host=host),
        ):
            assert (answer.status, answer.error["code"]) == (400, "wrong_host")
    for host in ("localhost", "LOCALHOST:80", "127.0.0.1:8080", "[::1]:8080", "[::1]"):
        assert get(gateway, "/v1/models", host=host).status == 200
    preflight = exchange(
        gateway,
        b"OPTIONS /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example"
        b"\r\nAccess-Control-Request-Method: POST\r\nConnection: close\r\n\r\n",
    )
    assert "access-control-allow-origin" not in preflight.headers


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/nothing", "/v1/models/nothing", "/v1/receipts/x"]
)
def test_what_is_not_there_is_a_404_in_the_usual_shape(gateway: Gateway, path: str) -> None:
    answer = get(gateway, path)
    assert answer.status == 404
    assert answer.error["code"] in {"not_found", "model_not_found", "receipt_not_found"}


def test_the_wrong_method_is_said_to_be_wrong(gateway: Gateway) -> None:
    assert get(gateway, "/v1/chat/completions").status == 405
