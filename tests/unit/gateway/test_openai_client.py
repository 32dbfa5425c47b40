"""OpenAI's own client over HTTP, against a rack without phones: every answer and every refusal."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import openai
import pytest
from openai import OpenAI
from openai.types.chat import (
    ChatCompletionChunk,
    ChatCompletionContentPartTextParam,
    ChatCompletionMessageParam,
)

from app.core.clock import SystemClock
from app.core.errors import BadInputError, DoesNotFitError, ShardloomError
from app.core.facts import Fact
from app.core.identifiers import RequestId
from app.core.tasks import Chat, Complete
from app.gateway import answering
from app.gateway.access.keys import KeyStore
from app.gateway.server import Gateway
from app.rack.commands import Ask, Sampling
from app.rack.door.serving import KeyLimits
from app.rack.events.request_log import RequestStream
from app.rack.requests.request import STOPPED_REASON
from app.rack.snapshot import Phase, RequestState
from tests.unit.gateway.fake_rack import (
    MODEL,
    OTHER,
    TIMEOUT_S,
    FakeRack,
    FakeRequest,
    serving,
    write_all,
)

TOKENS_READ = 20
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def shared_rack() -> FakeRack:
    return FakeRack()


@pytest.fixture(scope="module")
def gateway(shared_rack: FakeRack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with serving(shared_rack, tmp_path_factory.mktemp("home")) as gateway:
        yield gateway


@pytest.fixture
def rack(shared_rack: FakeRack) -> FakeRack:
    shared_rack.begin_again()
    return shared_rack


@pytest.fixture
def client(rack: FakeRack, gateway: Gateway) -> OpenAI:
    assert not rack.requests
    return client_of(gateway)


def client_of(gateway: Gateway, key: str = "any") -> OpenAI:
    return OpenAI(base_url=f"{gateway.address}/v1", api_key=key, max_retries=0, timeout=TIMEOUT_S)


def text_part(text: str) -> ChatCompletionContentPartTextParam:
    return {"type": "text", "text": text}


def only_ask(rack: FakeRack) -> Ask:
    (request,) = rack.requests.values()
    return request.ask


def text_of(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


VERIFIED = {
    "state": "verified",
    "checked_by": "audits",
    "audited_stages": 0,
    "stages": 0,
    "receipts": ["000000000001"],
}


def own(answer: openai.BaseModel) -> object:
    assert answer.model_extra is not None
    return answer.model_extra["x_shardloom"]


def test_a_chat_is_answered_whole(client: OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=HELLO, max_completion_tokens=3)
    assert answer.choices[0].message.content == "1 2 3"
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (3, 3)
    assert own(answer) == VERIFIED


def test_all_that_is_asked_for_reaches_the_rack(rack: FakeRack, client: OpenAI) -> None:
    client.chat.completions.create(
        model=MODEL,
        messages=[
            {"role": "developer", "content": "Be short."},
            {
                "role": "user",
                "content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}],
            },
        ],
        max_tokens=2,
        temperature=0.5,
        top_p=0.9,
        seed=-1,
        stop=["a", "b"],
        logprobs=True,
        top_logprobs=2,
        logit_bias={"7": -100},
        frequency_penalty=0.5,
        presence_penalty=-0.25,
        user="somebody",
        extra_body={"top_k": 40, "min_p": 0.05, "repetition_penalty": 1.5},
    )
    ask = only_ask(rack)
    assert isinstance(ask.task, Chat)
    assert [(each.speaker, each.text) for each in ask.task.conversation] == [
        ("system", "Be short."),
        ("user", "Hello"),
    ]
    assert ask.tokens == 2
    assert ask.sampling == Sampling(
        0.5, 0.9, (1 << 63) - 1, ("a", "b"), 2, 40, 0.05, ((7, -100.0),), 0.5, -0.25, "", 1.5
    )


def test_without_a_length_a_chat_may_fill_the_context(rack: FakeRack, client: OpenAI) -> None:
    client.chat.completions.create(model=MODEL, messages=HELLO)
    assert only_ask(rack).tokens is None
    assert only_ask(rack).sampling.temperature == 1.0


def test_a_stream_brings_each_token_once_then_how_sure_it_is(client: OpenAI) -> None:
    stream = client.chat.completions.create(
        model=MODEL,
        messages=HELLO,
        max_tokens=50,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    assert text_of(chunks) == " ".join(map(str, range(1, 51)))
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]][-1] == "length"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 50
    assert own(chunks[-1]) == own(chunks[-2]) == VERIFIED


def test_choices_have_seeds_of_their_own_and_are_told_apart(rack: FakeRack, client: OpenAI) -> None:
    stream = client.chat.completions.create(
        model=MODEL, messages=HELLO, max_tokens=4, n=3, seed=7, stream=True
    )
    texts = ["", "", ""]
    for chunk in stream:
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert texts == ["1 2 3 4"] * 3
    assert [each.ask.sampling.seed for each in rack.requests.values()] == [7, 8, 9]


def test_log_probabilities_come_with_the_likeliest_tokens(client: OpenAI) -> None:
    chat = client.chat.completions.create(
        model=MODEL, messages=HELLO, max_tokens=2, logprobs=True, top_logprobs=2
    )
    logprobs = chat.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    assert [(each.token, each.logprob) for each in logprobs.content] == [("1", -0.5), ("2", -0.5)]
    assert [each.token for each in logprobs.content[0].top_logprobs] == ["1", "2"]
    plain = client.completions.create(model=MODEL, prompt="x", max_tokens=2, logprobs=1)
    assert plain.choices[0].logprobs is not None
    assert plain.choices[0].logprobs.tokens == ["1", "2"]
    assert plain.choices[0].logprobs.text_offset == [0, 1]


def test_prompts_are_completed_each_in_its_place(rack: FakeRack, client: OpenAI) -> None:
    answer = client.completions.create(model=MODEL, prompt=["a", "b"], n=2)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    tasks = [each.ask.task for each in rack.requests.values()]
    assert tasks == [Complete("a"), Complete("a"), Complete("b"), Complete("b")]
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (6, 64)
    client.completions.create(model=MODEL, prompt=[[1, 2], [3]])
    assert [each.ask.task for each in rack.requests.values()][4:] == [
        Complete((1, 2)),
        Complete((3,)),
    ]


def test_an_answer_that_ends_by_itself_says_so(rack: FakeRack, client: OpenAI) -> None:
    def end_at_once(request: FakeRequest) -> None:
        request.say(5)
        request.say(0)  # the token that ends it
        request.end()

    rack.play = end_at_once
    answer = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=2)
    assert answer.choices[0].finish_reason == "stop"


def test_models_are_listed_and_shown(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [MODEL, OTHER]
    assert client.models.retrieve(MODEL).id == MODEL
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nothing")


def test_an_unknown_model_is_told_with_those_there_are(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="There are: small, other") as caught:
        client.chat.completions.create(model="gpt", messages=HELLO)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


def test_another_model_is_loaded_only_where_that_was_allowed(
    rack: FakeRack, client: OpenAI, tmp_path: Path
) -> None:
    with pytest.raises(openai.ConflictError, match="--load-models"):
        client.chat.completions.create(model=OTHER, messages=HELLO)
    other = FakeRack()
    with serving(other, tmp_path, load_models=True) as gateway:
        client_of(gateway).chat.completions.create(model=OTHER, messages=HELLO, max_tokens=1)
    assert (rack.model, other.model) == (MODEL, OTHER)


def test_another_model_is_not_loaded_while_something_runs(tmp_path: Path) -> None:
    go_on = Event()

    def write_later(request: FakeRequest) -> None:
        assert go_on.wait(TIMEOUT_S)
        write_all(request)

    rack = FakeRack(write_later)
    with serving(rack, tmp_path, load_models=True) as gateway:
        client = client_of(gateway)
        running = client.chat.completions.create(
            model=MODEL, messages=HELLO, max_tokens=1, stream=True
        )
        with pytest.raises(openai.ConflictError, match="once nothing runs") as caught:
            client.chat.completions.create(model=OTHER, messages=HELLO)
        assert caught.value.code == "model_busy"
        go_on.set()
        assert text_of(list(running)) == "1"


@pytest.mark.parametrize(
    ("given", "parameter", "code"),
    [
        ({"tools": [{"type": "function"}]}, "tools.0.function", "missing_parameter"),
        (
            {"response_format": {"type": "json_schema"}},
            "response_format.json_schema",
            "missing_parameter",
        ),
        (
            {"tool_choice": {"type": "function", "function": {"name": "nobody"}}},
            "tool_choice",
            "unknown_tool",
        ),
        ({"presence_penalty": 2.5}, "presence_penalty", "invalid_value"),
        ({"extra_body": {"repetition_penalty": 11}}, "repetition_penalty", "invalid_value"),
        ({"logit_bias": {"seven": 1}}, "logit_bias.seven", "invalid_value"),
        ({"logit_bias": {"7": 101}}, "logit_bias.7", "invalid_value"),
        ({"extra_body": {"never_heard_of": 1}}, "never_heard_of", "unknown_parameter"),
        ({"temperature": -1}, "temperature", "invalid_value"),
        ({"n": 1000}, "n", "invalid_value"),
        ({"top_logprobs": 3}, "top_logprobs", "needs_logprobs"),
        ({"stop": ["a", ""]}, "stop.1", "invalid_value"),
        ({"messages": []}, "messages", "invalid_value"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages.0.role", "invalid_value"),
        ({"messages": [{"role": "user"}]}, "messages.0.content", "missing_parameter"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "messages.0.content.0.image_url.url",
            "missing_parameter",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
            "messages.0.content.0",
            "invalid_value",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_by_its_name(
    client: OpenAI, given: dict[str, object], parameter: str, code: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**{"model": MODEL, "messages": HELLO, **given})  # type: ignore[call-overload]
    assert (caught.value.param, caught.value.code) == (parameter, code)
    assert parameter.split(".", maxsplit=1)[0] in caught.value.message


@pytest.mark.parametrize("harmless", [{"tools": []}, {"presence_penalty": 0}, {"top_k": -1}])
def test_what_asks_for_nothing_is_let_pass(client: OpenAI, harmless: dict[str, object]) -> None:
    client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=1, extra_body=harmless)


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [
        (BadInputError("assignment.phone_twice"), 400, "assignment.phone_twice"),
        (DoesNotFitError("assignment.phone_twice"), 503, "assignment.phone_twice"),
        (ShardloomError("assignment.phone_twice"), 500, "assignment.phone_twice"),
    ],
)
def test_the_racks_refusals_keep_their_code(
    rack: FakeRack, client: OpenAI, refusal: ShardloomError, status: int, code: str
) -> None:
    rack.refusal = refusal
    with pytest.raises(openai.APIStatusError, match="contiguous span") as caught:
        client.chat.completions.create(model=MODEL, messages=HELLO)
    assert (caught.value.status_code, caught.value.code) == (status, code)


def test_a_rack_that_is_not_ready_says_when_to_come_again(rack: FakeRack, client: OpenAI) -> None:
    rack.phase = Phase.STARTING
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model=MODEL, messages=HELLO)
    assert caught.value.status_code == 503
    assert int(caught.value.response.headers["Retry-After"]) > 0


def test_a_request_that_fails_is_an_error_whole_and_streamed(
    rack: FakeRack, client: OpenAI
) -> None:
    def fail(request: FakeRequest) -> None:
        request.say(1)
        request.end(RequestState.FAILED, Fact("assignment.phone_twice"))

    rack.play = fail
    with pytest.raises(openai.InternalServerError, match="contiguous span"):
        client.chat.completions.create(model=MODEL, messages=HELLO)
    stream = client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
    with pytest.raises(openai.APIError, match="contiguous span"):
        list(stream)


def lie_first(request: FakeRequest) -> None:
    """Write three tokens of which an audit takes two back once they were read, then the right."""
    for token in (1, 8, 9):
        request.say(token)
    request.audit()
    assert request.read.wait(TIMEOUT_S)
    request.take_back(1)
    for token in (2, 3):
        request.say(token)
    request.audit()
    request.end()


def test_text_that_is_taken_back_ends_a_stream_with_an_error(
    rack: FakeRack, client: OpenAI
) -> None:
    rack.play = lie_first
    seen: list[ChatCompletionChunk] = []
    chunks = iter(
        client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=3, stream=True)
    )
    while text_of(seen) != "1 8 9":
        seen.append(next(chunks))
    next(iter(rack.requests.values())).read.set()
    with pytest.raises(openai.APIError, match="2 tokens were found wrong"):
        next(chunks)


def test_who_asks_for_it_is_told_what_is_taken_back(rack: FakeRack, client: OpenAI) -> None:
    rack.play = lie_first
    text = ""
    stream = client.chat.completions.create(
        model=MODEL,
        messages=HELLO,
        max_tokens=3,
        stream=True,
        extra_body={"x_shardloom": {"unsettled": "revise"}},
    )
    for chunk in stream:
        report = (chunk.model_extra or {}).get("x_shardloom", {})
        if taken_back := report.get("taken_back"):
            assert taken_back["tokens"] == 2
            text = text[: -taken_back["characters"]]
        text += chunk.choices[0].delta.content or ""
        if text == "1 8 9":
            next(iter(rack.requests.values())).read.set()
    assert text == "1 2 3"


def test_held_text_is_sent_once_it_has_settled(rack: FakeRack, client: OpenAI) -> None:
    def lie_unseen(request: FakeRequest) -> None:
        request.read.set()
        lie_first(request)

    rack.play = lie_unseen
    stream = client.chat.completions.create(
        model=MODEL,
        messages=HELLO,
        max_tokens=3,
        stream=True,
        extra_body={"x_shardloom": {"unsettled": "hold"}},
    )
    assert text_of(list(stream)) == "1 2 3"


def test_a_client_that_leaves_stops_its_request(rack: FakeRack, client: OpenAI) -> None:
    def write_until_stopped(request: FakeRequest) -> None:
        request.say(1)
        assert request.cancelled.wait(TIMEOUT_S)
        request.end(RequestState.CANCELLED, STOPPED_REASON)

    rack.play = write_until_stopped
    stream = client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
    next(iter(stream))
    stream.close()
    (request,) = rack.requests.values()
    assert request.cancelled.wait(TIMEOUT_S)


def test_a_client_that_gives_up_waiting_stops_its_request(rack: FakeRack, gateway: Gateway) -> None:
    def say_nothing(request: FakeRequest) -> None:
        request.cancelled.wait(TIMEOUT_S)
        request.end(RequestState.CANCELLED, STOPPED_REASON)

    rack.play = say_nothing
    with pytest.raises(openai.APITimeoutError):
        client_of(gateway).with_options(timeout=0.3).chat.completions.create(
            model=MODEL, messages=HELLO
        )
    (request,) = rack.requests.values()
    assert request.cancelled.wait(TIMEOUT_S)


def test_a_request_that_cannot_be_followed_is_not_left_behind(
    rack: FakeRack, client: OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgotten(_request: RequestId) -> RequestStream:
        raise BadInputError("assignment.phone_twice")

    monkeypatch.setattr(rack, "follow", forgotten)
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=MODEL, messages=HELLO, n=2)
    assert [each.cancelled.is_set() for each in rack.requests.values()] == [True, True]


def test_a_home_with_a_key_takes_nobody_without(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path, SystemClock())
    key = keys.add("me", KeyLimits())
    with serving(FakeRack(), tmp_path) as gateway:
        assert client_of(gateway, key).models.list().data
        for wrong in ("", "sk-shardloom-nothing"):
            with pytest.raises((openai.AuthenticationError, openai.OpenAIError)):
                client_of(gateway, wrong or " ").models.list()
        keys.revoke("me")
        with pytest.raises(openai.AuthenticationError) as caught:
            client_of(gateway, key).models.list()
        assert caught.value.code == "invalid_api_key"


def test_a_key_revoked_amid_an_answer_ends_it_and_stops_the_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "LOOK_INTERVAL_S", 0.05)

    def write_until_stopped(request: FakeRequest) -> None:
        request.say(1)
        request.cancelled.wait(TIMEOUT_S)
        request.end(RequestState.CANCELLED, STOPPED_REASON)

    rack, keys = FakeRack(write_until_stopped), KeyStore(tmp_path, SystemClock())
    key = keys.add("me", KeyLimits())
    with serving(rack, tmp_path) as gateway:
        stream = client_of(gateway, key).chat.completions.create(
            model=MODEL, messages=HELLO, stream=True
        )
        next(iter(stream))
        keys.revoke("me")
        with pytest.raises(openai.APIError, match="revoked"):
            list(stream)
        (request,) = rack.requests.values()
        assert request.cancelled.wait(TIMEOUT_S)


def test_a_key_is_looked_up_now_and_then_and_not_for_each_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    is_valid = KeyStore.is_valid

    def counted(keys: KeyStore, name: str) -> bool:
        looked.append(name)
        return is_valid(keys, name)

    def write_one_by_one(request: FakeRequest) -> None:
        for token in range(TOKENS_READ):
            request.read.clear()
            request.say(token)
            assert request.read.wait(TIMEOUT_S)
        request.end()

    monkeypatch.setattr(KeyStore, "is_valid", counted)
    monkeypatch.setattr(answering, "LOOK_INTERVAL_S", TIMEOUT_S)
    rack, key = FakeRack(write_one_by_one), KeyStore(tmp_path, SystemClock()).add("me", KeyLimits())
    with serving(rack, tmp_path) as gateway:
        for chunk in client_of(gateway, key).chat.completions.create(
            model=MODEL, messages=HELLO, max_tokens=TOKENS_READ, stream=True
        ):
            if chunk.choices[0].delta.content:
                next(iter(rack.requests.values())).read.set()
    assert looked == []


def test_a_key_that_has_used_up_its_minute_is_told_when_to_come_again(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path, SystemClock())
    few = keys.add("few requests", KeyLimits(requests_per_minute=1))
    short = keys.add("few tokens", KeyLimits(tokens_per_minute=10))
    with serving(FakeRack(), tmp_path) as gateway:
        for key in (few, short):
            client = client_of(gateway, key)
            client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=40)
            with pytest.raises(openai.RateLimitError) as caught:
                client.chat.completions.create(model=MODEL, messages=HELLO)
            assert caught.value.code == "rate_limit_exceeded"
            assert 0 < int(caught.value.response.headers["Retry-After"]) <= 300


def test_vectors_come_as_numbers_and_as_bytes(rack: FakeRack, client: OpenAI) -> None:
    rack.play = FakeRequest.embed
    answer = client.embeddings.create(model=MODEL, input=["a", "b", "c", "d", "e"])
    assert [each.index for each in answer.data] == [0, 1, 2, 3, 4]
    assert answer.data[4].embedding == [0.5, -0.25]
    assert answer.usage.prompt_tokens == 15
    raw = client.embeddings.with_raw_response.create(
        model=MODEL, input="a", encoding_format="base64"
    )
    encoded = raw.http_response.json()["data"][0]["embedding"]
    assert struct.unpack("<2f", base64.b64decode(encoded)) == (0.5, -0.25)
    with pytest.raises(openai.BadRequestError, match="2 numbers"):
        client.embeddings.create(model=MODEL, input="a", dimensions=3)
