"""OpenAI's and LangChain's clients and virtual phones: HTTP brings what the phones computed."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import httpx2
import numpy as np
import openai
import pytest
from openai.types.chat import (
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionMessageParam,
    ChatCompletionNamedToolChoiceParam,
    ChatCompletionToolParam,
)

from app.core.identifiers import RequestId
from app.ledger.journal.keys import read_public_key
from app.models.formats.grammar import Grammar
from app.models.whole import WholeModel, run_whole
from app.rack.records.proof_check import check_proof
from app.rack.snapshot import RequestState
from tests.integration.gateway.served_talker import (
    ASKED,
    CONTEXT,
    MESSAGES,
    TALKER,
    TOKENS,
    VECTORS,
    Served,
    expected_text,
    serve_talker,
)
from tests.integration.rack.support import HELD, finish, paused_before
from workers.identity.receipts import verify_receipt

if TYPE_CHECKING:
    from tests.integration.gateway.langchain_client import LangChain


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve_talker(tmp_path_factory.mktemp("served")) as served:
        yield served


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
    with paused_before(HELD) as pause:
        stream = served.client.completions.create(
            model=TALKER, prompt=ASKED, max_tokens=200, temperature=0, stream=True
        )
        identifier = RequestId(next(iter(stream)).id.removeprefix("cmpl-"))
        pause.wait()
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


def test_grammars_are_asked_away_from_the_loop(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads, allowed = set[str](), Grammar.allowed

    def watched(grammar: Grammar, tokens: Sequence[int]) -> bytes:
        threads.add(threading.current_thread().name)
        return allowed(grammar, tokens)

    monkeypatch.setattr(Grammar, "allowed", watched)
    served.client.chat.completions.create(
        model=TALKER, messages=MESSAGES, max_tokens=2, response_format={"type": "json_object"}
    )
    assert threads == {"steering_0"}


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


@pytest.fixture
def langchain(served: Served) -> LangChain:
    from tests.integration.gateway.langchain_client import LangChain  # noqa: PLC0415 - slow to load

    return LangChain(served.address)


def test_langchain_chats_whole_and_in_a_stream(served: Served, langchain: LangChain) -> None:
    chat, expected = langchain.chat(TALKER, max_tokens=TOKENS), expected_text(served)
    whole, chunks = chat.invoke(ASKED), list(chat.stream(ASKED, stream_usage=True))
    assert (whole.content, whole.response_metadata["finish_reason"]) == (expected, "length")
    assert "".join(str(chunk.content) for chunk in chunks) == expected
    assert sum(bool(chunk.content) for chunk in chunks) > 1
    (used,) = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata]
    assert used == whole.usage_metadata


def test_langchain_calls_a_tool_and_goes_on_with_what_it_found(langchain: LangChain) -> None:
    look = {"name": "look", "description": "Look.", "parameters": FORM}
    chat = langchain.chat(TALKER).bind_tools([look], tool_choice="look")
    called = chat.invoke(ASKED)
    (call,) = called.tool_calls
    assert (call["name"], set(call["args"])) == ("look", {"ok", "of"})
    assert [json.loads(each) for each in langchain.streamed_calls(chat, ASKED)] == [call["args"]]
    conversation = langchain.after_tool(ASKED, called, call, "nothing")
    assert langchain.chat(TALKER, max_tokens=2).invoke(conversation).content


def test_langchain_reads_an_answer_into_a_form(langchain: LangChain) -> None:
    schema = {"title": "form", **FORM}
    form = langchain.chat(TALKER).with_structured_output(schema, method="json_schema", strict=True)
    found = form.invoke(ASKED)
    assert isinstance(found, dict)
    assert found.keys() == {"ok", "of"}


def test_langchain_embeds_texts(langchain: LangChain) -> None:
    first, second, again = langchain.vectors(VECTORS, ["a", "a text", "a"])
    assert first == again != second
