"""OpenAI's own client and a rack of virtual phones: what comes over HTTP is what they computed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import numpy as np
import openai
import pytest
from openai import OpenAI
from openai.types.chat import (
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionMessageParam,
    ChatCompletionNamedToolChoiceParam,
    ChatCompletionToolParam,
)

from app.core.clock import SystemClock
from app.core.conversation import question
from app.core.identifiers import RequestId
from app.gateway.access.keys import KeyStore
from app.gateway.context import GatewaySettings
from app.gateway.server import Gateway
from app.ledger.journal.keys import read_public_key
from app.models.library import Library
from app.models.whole import WholeModel, run_whole
from app.rack.home import Home
from app.rack.options import RackOptions
from app.rack.records.proof_check import check_proof
from app.rack.service import RackService
from app.rack.snapshot import RequestState
from tests.integration.rack.support import PATIENCE, finish, open_rack_of
from tests.unit.models.chat.chat_templates import CHATML
from tests.unit.models.families import write_family
from tests.unit.models.support import write_random
from workers.identity.receipts import verify_receipt

TALKER, VECTORS = "talker", "vectors"
ASKED = "In the beginning?"
MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": ASKED}]
TOKENS = 12
CONTEXT = 512


@dataclass(frozen=True)
class Served:
    """An open rack and its address."""

    rack: RackService
    address: str
    library: Library
    home: Home

    @property
    def client(self) -> OpenAI:
        return OpenAI(base_url=f"{self.address}/v1", api_key="any", max_retries=0, timeout=90)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("c")
    talker = write_random(folder / TALKER, max_position_embeddings=CONTEXT)
    (talker / "chat_template.jinja").write_text(CHATML)
    write_family(folder / VECTORS, "bert")
    home = Home(tmp_path_factory.mktemp("home"))
    library = Library(home.folder)
    for name in (TALKER, VECTORS):
        library.import_folder(folder / name, name)
    options = RackOptions(home.folder, "virtual:2", TALKER, audit_rate=1.0, patience=PATIENCE)
    with open_rack_of(options) as rack:
        settings = GatewaySettings(home.ledger_file, "127.0.0.1", 0, load_models=True)
        gateway = Gateway(rack, KeyStore(home.keys, SystemClock()), settings, SystemClock())
        try:
            yield Served(rack, gateway.address, library, home)
        finally:
            gateway.close()


def expected_text(served: Served) -> str:
    """Return what the whole model answers in one plain session."""
    manifest = served.library.get(TALKER)
    template, tokenizer = (
        served.library.chat_template(manifest),
        served.library.tokenizer(manifest),
    )
    assert template is not None
    assert tokenizer is not None
    said = tokenizer.encode_rendered(template.render(question(ASKED)))
    return tokenizer.decode(run_whole(manifest, served.library, said, TOKENS))


def test_a_chat_is_what_the_whole_model_says_streamed_or_not(served: Served) -> None:
    expected = expected_text(served)
    whole = served.client.chat.completions.create(
        model=TALKER, messages=MESSAGES, max_tokens=TOKENS, temperature=0
    )
    assert whole.choices[0].message.content == expected
    chunks = list(
        served.client.chat.completions.create(
            model=TALKER,
            messages=MESSAGES,
            max_tokens=TOKENS,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    text = "".join(each.choices[0].delta.content or "" for each in chunks if each.choices)
    assert text == expected
    assert chunks[-1].usage == whole.usage
    assert chunks[-1].model_extra is not None
    assert chunks[-1].model_extra["x_shardloom"]["state"] == "verified"


def test_a_seed_draws_the_same_text_again_and_each_choice_another(served: Served) -> None:
    def texts(seed: int) -> list[str]:
        answer = served.client.completions.create(
            model=TALKER, prompt=ASKED, max_tokens=TOKENS, temperature=2, top_p=0.9, seed=seed, n=2
        )
        return [choice.text for choice in answer.choices]

    first, second = texts(5)
    assert texts(5) == [first, second]
    assert first != second
    assert texts(6)[0] == second


def test_log_probabilities_are_those_of_the_rack(served: Served) -> None:
    answer = served.client.chat.completions.create(
        model=TALKER, messages=MESSAGES, max_tokens=3, temperature=0, logprobs=True, top_logprobs=2
    )
    request = finish(served.rack, RequestId(answer.id.removeprefix("chatcmpl-")))
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    assert [each.logprob for each in logprobs.content] == [
        each.log_probability for each in request.choices
    ]
    for told, known in zip(logprobs.content, request.choices, strict=True):
        assert told.token == told.top_logprobs[0].token, "the likeliest is chosen"
        assert [each.logprob for each in told.top_logprobs] == [
            each.log_probability for each in known.alternatives
        ]


@pytest.mark.parametrize("bound", [{"top_k": 1}, {"min_p": 1}, {"top_p": 0}])
def test_bounds_that_leave_the_likeliest_alone_say_what_greedy_says(
    served: Served, bound: dict[str, float]
) -> None:
    answer = served.client.chat.completions.create(
        model=TALKER, messages=MESSAGES, max_tokens=TOKENS, temperature=2, extra_body=bound
    )
    assert answer.choices[0].message.content == expected_text(served)
    assert answer.model_extra is not None
    assert answer.model_extra["x_shardloom"]["state"] == "verified"


def test_a_bias_keeps_a_token_away_and_audits_agree(served: Served) -> None:
    def first(bias: dict[str, int]) -> tuple[int, str]:
        answer = served.client.completions.create(
            model=TALKER, prompt=ASKED, max_tokens=1, temperature=0, logit_bias=bias
        )
        request = RequestId(answer.id.removeprefix("cmpl-"))
        assert answer.model_extra is not None
        ended = finish(served.rack, request)
        return ended.token_ids[0], answer.model_extra["x_shardloom"]["state"]

    token, _ = first({})
    other, state = first({str(token): -100})
    assert other != token
    assert state == "verified"


def test_a_stop_text_ends_an_answer_before_it(served: Served) -> None:
    expected = expected_text(served)
    stop = expected[3:5]
    answer = served.client.chat.completions.create(
        model=TALKER, messages=MESSAGES, max_tokens=TOKENS, temperature=0, stop=stop
    )
    assert answer.choices[0].message.content == expected[: expected.index(stop)]
    assert answer.choices[0].finish_reason == "stop"


def test_without_a_length_a_text_fills_the_context_at_most(served: Served) -> None:
    answer = served.client.chat.completions.create(model=TALKER, messages=MESSAGES, temperature=0)
    assert answer.usage is not None
    assert answer.usage.total_tokens == CONTEXT or answer.choices[0].finish_reason == "stop"


def test_a_context_that_overflows_is_refused_with_both_figures(served: Served) -> None:
    with pytest.raises(openai.BadRequestError, match=rf"(?s)600.*{CONTEXT}"):
        served.client.completions.create(model=TALKER, prompt=ASKED, max_tokens=600)


def test_receipts_can_be_checked_by_whoever_got_the_answer(served: Served) -> None:
    answer = served.client.completions.create(
        model=TALKER, prompt=ASKED, max_tokens=4, temperature=0
    )
    found = httpx2.get(f"{served.address}/v1/receipts/{answer.id}").json()
    assert (found["state"], found["verified"]) == ("settled", True)
    assert {each["outcome"] for each in found["audits"]} == {"passed"}
    (transaction,) = found["transactions"]
    assert (transaction["model"], transaction["status"]) == (TALKER, "settled")
    assert [stage["first"] for stage in transaction["stages"]] == [
        0,
        *(stage["end"] for stage in transaction["stages"][:-1]),
    ]
    for stage in transaction["stages"]:
        signed = stage["receipt"]
        key, signature = (bytes.fromhex(signed[each]) for each in ("public_key", "signature"))
        body = verify_receipt(signed["data"].encode(), signature, key)
        assert (body.transaction, body.serial) == (transaction["transaction"], stage["serial"])
        assert [each["outcome"] for each in stage["verdicts"]] == ["passed"]


def test_the_proof_of_an_answer_convinces_whoever_has_the_public_key(served: Served) -> None:
    answer = served.client.completions.create(
        model=TALKER, prompt=ASKED, max_tokens=3, temperature=0
    )
    address = f"{served.address}/v1/receipts/{answer.id}/proof"
    deadline_s = time.monotonic() + 60
    while (told := httpx2.get(address)).status_code == httpx2.codes.CONFLICT:
        assert told.json()["error"]["code"] == "proof.not_cosigned"
        assert time.monotonic() < deadline_s
        time.sleep(0.2)
    assert told.status_code == httpx2.codes.OK
    key = read_public_key(served.home.ledger_key)
    checked = check_proof(told.content, key)
    assert str(checked.request) == answer.id.removeprefix("cmpl-")
    unknown = httpx2.get(f"{served.address}/v1/receipts/cmpl-0123456789ab/proof")
    assert unknown.json()["error"]["code"] == "receipt_not_found"


def test_a_client_that_leaves_amid_a_stream_frees_the_rack(served: Served) -> None:
    stream = served.client.completions.create(
        model=TALKER, prompt=ASKED, max_tokens=200, temperature=0, stream=True
    )
    identifier = RequestId(next(iter(stream)).id.removeprefix("cmpl-"))
    stream.close()
    ended = finish(served.rack, identifier)
    assert ended.state is RequestState.CANCELLED
    assert len(ended.token_ids) < 200


def test_many_streams_on_one_rack_are_each_whole(served: Served) -> None:
    """More than the rack decodes at once: the others wait for their turn."""
    expected = expected_text(served)
    streams = [
        served.client.chat.completions.create(
            model=TALKER, messages=MESSAGES, max_tokens=TOKENS, temperature=0, stream=True
        )
        for _ in range(4)
    ]
    whole = served.client.chat.completions.create(
        model=TALKER, messages=MESSAGES, max_tokens=TOKENS, temperature=0, n=4
    )
    for stream in streams:
        assert "".join(each.choices[0].delta.content or "" for each in stream) == expected
    assert [choice.message.content for choice in whole.choices] == [expected] * 4


def test_asking_for_a_model_of_vectors_loads_it_and_its_vectors_are_of_length_one(
    served: Served,
) -> None:
    answer = served.client.embeddings.create(model=VECTORS, input=["a", "a text", "a"])
    first, second, again = (each.embedding for each in answer.data)
    assert first == again != second
    assert sum(number**2 for number in first) == pytest.approx(1, abs=1e-5)
    with pytest.raises(openai.BadRequestError) as caught:
        served.client.chat.completions.create(model=VECTORS, messages=MESSAGES)
    assert json.loads(caught.value.response.text)["error"]["message"]
    ready = httpx2.get(f"{served.address}/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (200, True)


def test_a_conversation_beyond_the_context_is_refused_with_figures_or_loses_its_oldest_turns(
    served: Served,
) -> None:
    turn: list[ChatCompletionMessageParam] = [
        {"role": "user", "content": "x " * 20},
        {"role": "assistant", "content": "y " * 20},
    ]
    said: list[ChatCompletionMessageParam] = [*turn * 20, *MESSAGES]
    create = served.client.chat.completions.create
    with pytest.raises(openai.BadRequestError) as refused:
        create(model=TALKER, messages=said, max_tokens=TOKENS)
    assert refused.value.code == "context_length_exceeded"
    assert f"{TOKENS} wanted exceed the context of {CONTEXT}" in str(refused.value)
    shorten = {"x_shardloom": {"overflow": "shorten"}}
    answer = create(model=TALKER, messages=said, max_tokens=TOKENS, extra_body=shorten)
    assert answer.usage is not None
    assert answer.usage.prompt_tokens <= CONTEXT - TOKENS
    report = (answer.model_extra or {})["x_shardloom"]
    assert [note["code"] for note in report["notes"]] == ["request.turns_left_out"]


FORM = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}, "of": {"enum": ["a", "b"]}},
    "required": ["ok", "of"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_an_answer_keeps_to_a_schema_and_every_audit_agrees(
    served: Served, temperature: float
) -> None:
    answer = served.client.chat.completions.create(
        model=TALKER,
        messages=MESSAGES,
        temperature=temperature,
        frequency_penalty=0.5,
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "form", "schema": FORM, "strict": True},
        },
    )
    found = json.loads(answer.choices[0].message.content or "")
    assert found.keys() == {"ok", "of"}
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.model_extra or {})["x_shardloom"]["state"] == "verified"


def test_a_penalty_for_repetition_is_that_of_the_whole_model_and_audits_agree(
    served: Served,
) -> None:
    penalty, manifest = 1.4, served.library.get(TALKER)
    tokens = said = [5, 9, 5, 7]
    whole = WholeModel(manifest, served.library)
    for position in range(len(said) - 1, len(said) - 1 + TOKENS):
        before = said if position == len(said) - 1 else tokens[-1:]
        logits = whole.step(before, position + 1 - len(before))
        for token in set(tokens):
            logits[token] *= np.float32(1 / penalty if logits[token] > 0 else penalty)
        tokens = [*tokens, int(logits.argmax())]
    answer = served.client.completions.create(
        model=TALKER,
        prompt=said,
        max_tokens=TOKENS,
        temperature=0,
        extra_body={"repetition_penalty": penalty},
    )
    tokenizer = served.library.tokenizer(manifest)
    assert tokenizer is not None
    assert len(set(tokens)) > len(set(run_whole(manifest, served.library, said, TOKENS)))
    assert answer.choices[0].text == tokenizer.decode(tokens[len(said) :])
    assert (answer.model_extra or {})["x_shardloom"]["state"] == "verified"


def test_tools_are_called_whole_and_in_a_stream(served: Served) -> None:
    tools: list[ChatCompletionToolParam] = [
        {"type": "function", "function": {"name": "look", "parameters": FORM}}
    ]
    create = served.client.chat.completions.create
    answer = create(model=TALKER, messages=MESSAGES, tools=tools, tool_choice="required", seed=1)
    (call,) = answer.choices[0].message.tool_calls or []
    assert isinstance(call, ChatCompletionMessageFunctionToolCall)
    assert (call.function.name, answer.choices[0].finish_reason) == ("look", "tool_calls")
    assert json.loads(call.function.arguments).keys() == {"ok", "of"}
    named: ChatCompletionNamedToolChoiceParam = {"type": "function", "function": {"name": "look"}}
    chunks = list(
        create(model=TALKER, messages=MESSAGES, tools=tools, tool_choice=named, seed=2, stream=True)
    )
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    (streamed,) = [each for delta in deltas for each in delta.tool_calls or []]
    assert streamed.function is not None
    assert json.loads(streamed.function.arguments or "").keys() == {"ok", "of"}
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "tool_calls"
    free = create(model=TALKER, messages=MESSAGES, tools=tools, max_tokens=5, seed=3)
    assert free.choices[0].message.content or free.choices[0].message.tool_calls


def test_a_schema_that_makes_no_sense_is_refused(served: Served) -> None:
    with pytest.raises(openai.BadRequestError, match="cannot be kept to"):
        served.client.chat.completions.create(
            model=TALKER,
            messages=MESSAGES,
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "form", "schema": {"type": "nope"}},
            },
        )
