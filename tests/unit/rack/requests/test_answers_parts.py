"""Answers that are no texts, without a rack: what is asked, kept, shown and refused."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.conversation import ChatMessage, Overflow, Speaker, question
from app.core.errors import BadInputError
from app.core.facts import Fact
from app.core.identifiers import RequestId, Serial
from app.core.model import Scoring
from app.core.tasks import Chat, Classify, Complete, Summarise, TaskKind
from app.models.chat.chat_template import ChatTemplate
from app.models.chat.presets import PRESETS_FILE
from app.models.library import Library
from app.pipeline.failures import WrongAnswerError
from app.pipeline.results import StageTiming, VectorResult, vector_result
from app.pipeline.ring_messages import StepAnswer
from app.rack.layers.opened_model import OpenedModel
from app.rack.requests.questions import task_question
from app.rack.requests.request import Request
from app.rack.requests.scores import label_scores
from tests.saying import raises_saying
from tests.unit.models.chat.chat_templates import CHATML
from tests.unit.models.families import write_family
from tests.unit.models.support import write_random
from workers.protocol.sampling_rule import SamplingRule
from workers.protocol.step_message import TraceEntry
from workers.protocol.told import ToldToken
from workers.protocol.wire import Tensor

STAGES = (Serial("first"), Serial("second"))
ROW = ToldToken("t", 0, 1, None, None, (), goes_on=False)
PRESETS = (Path(__file__).parents[4] / "assets" / PRESETS_FILE,)
SCORES = st.lists(st.floats(-200, 200, width=32), min_size=1, max_size=8)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder = tmp_path_factory.mktemp("models")
    library = Library(folder / "home")
    library.import_folder(write_family(folder / "mood", "qwen3-classifier", pad_token_id=3), "mood")
    library.import_folder(write_random(folder / "plain"), "plain")
    return library


@given(SCORES)
def test_softmax_scores_sum_to_one_and_the_best_comes_first(scores: list[float]) -> None:
    labels = [f"label {index}" for index in range(len(scores))]
    found = label_scores(np.array(scores, np.float32), labels, Scoring.SOFTMAX)
    assert math.isclose(sum(each.score for each in found), 1, abs_tol=1e-9)
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    assert found[0].label == labels[int(np.argmax(np.array(scores, np.float32)))]


@given(SCORES)
def test_sigmoid_scores_are_each_a_probability_of_their_own(scores: list[float]) -> None:
    labels = [f"label {index}" for index in range(len(scores))]
    found = {
        each.label: each.score
        for each in label_scores(np.array(scores, np.float32), labels, Scoring.SIGMOID)
    }
    for label, score in zip(labels, scores, strict=True):
        assert 0 <= found[label] <= 1
        expected = 1 / (1 + math.exp(-score)) if score > -500 else 0.0
        assert math.isclose(found[label], expected, abs_tol=1e-6)


def test_a_regression_shows_its_numbers_as_they_are() -> None:
    found = label_scores(np.array([-3.5, 2.0], np.float32), ["a", "b"], Scoring.PLAIN)
    assert [(each.label, each.score) for each in found] == [("b", 2.0), ("a", -3.5)]


def test_padding_at_the_end_is_not_what_is_scored(library: Library) -> None:
    mood = OpenedModel.open(library, "mood")
    asked = task_question(mood, Classify((3, 7, 3, 8, 3, 3)), PRESETS)
    assert (asked.tokens, asked.kind) == ((3, 7, 3, 8), TaskKind.CLASSIFY)
    assert task_question(mood, Classify((3, 3)), PRESETS).tokens == (3,)


def test_a_model_without_a_chat_template_is_given_plain_words_and_a_note(library: Library) -> None:
    plain = OpenedModel.open(library, "plain")
    assert plain.tokenizer is not None
    asked = task_question(plain, Summarise("the light shone"), PRESETS)
    assert asked.note == Fact("request.without_chat_template", model="plain")
    assert "the light shone" in plain.tokenizer.decode(asked.tokens)
    with raises_saying(BadInputError, match="plain has no chat template"):
        task_question(plain, Chat(question("hello")), PRESETS)
    assert task_question(plain, Complete("the light"), PRESETS).note is None


def test_a_chats_answer_ends_also_at_the_tokenizers_own_end_token(library: Library) -> None:
    template = ChatTemplate(CHATML, {"eos_token": "</s>"})
    talker = replace(OpenedModel.open(library, "plain"), chat_template=template)
    for task in (Chat(question("hello")), Summarise("the light shone")):
        asked = task_question(talker, task, PRESETS)
        assert (asked.end_tokens, asked.kind, asked.note) == (frozenset({1}), task.kind, None)
    assert task_question(talker, Summarise("the light"), PRESETS).shown == "the light"


def test_a_conversation_that_is_too_long_loses_its_oldest_turns_where_that_is_wanted(
    library: Library,
) -> None:
    template = ChatTemplate(CHATML, {"eos_token": "</s>"})
    talker = replace(OpenedModel.open(library, "plain"), chat_template=template)
    said = [ChatMessage(Speaker.SYSTEM, "be kind")]
    for number in range(20):
        said += [ChatMessage(Speaker.USER, f"question {number}")]
        said += [ChatMessage(Speaker.ASSISTANT, f"answer {number}")]
    said += [ChatMessage(Speaker.USER, "the last one")]
    whole = task_question(talker, Chat(tuple(said)), PRESETS, 10)
    assert whole.note is None
    most = len(whole.tokens) // 2
    short = task_question(talker, Chat(tuple(said), Overflow.SHORTEN), PRESETS, most)
    assert short.note is not None
    left_out = dict(short.note.fields)["count"]
    assert isinstance(left_out, int)
    kept = task_question(talker, Chat((said[0], *said[1 + 2 * left_out :])), PRESETS)
    assert (short.tokens, len(short.tokens) <= most) == (kept.tokens, True)
    fits = task_question(talker, Chat(tuple(said), Overflow.SHORTEN), PRESETS, len(whole.tokens))
    assert (fits.tokens, fits.note) == (whole.tokens, None)


def test_what_a_model_is_not_made_for_is_refused(library: Library) -> None:
    mood, plain = OpenedModel.open(library, "mood"), OpenedModel.open(library, "plain")
    with raises_saying(BadInputError, match="mood sorts texts by label: it cannot generate"):
        task_question(mood, Complete("text"), PRESETS)
    with raises_saying(BadInputError, match="plain writes texts: it cannot classify"):
        task_question(plain, Classify("text"), PRESETS)
    with raises_saying(BadInputError, match="no tokenizer"):
        task_question(replace(mood, tokenizer=None), Classify("text"), PRESETS)


def a_request(library: Library) -> Request:
    return Request(
        identifier=RequestId("r"),
        prompt="5 6",
        prompt_tokens=(5, 6),
        tokens_wanted=1,
        end_tokens=frozenset(),
        sampling=SamplingRule(),
        tokenizer=None,
        submitted_s=10.0,
        kind=TaskKind.CLASSIFY,
        vector_model=library.get("mood"),
    )


def test_a_vector_completes_its_request_and_is_forgotten_where_it_was_wrong(
    library: Library,
) -> None:
    request = a_request(library)
    assert (request.complete, request.answers, request.snapshot().labels) == (False, 0, ())
    request.take_vector(VectorResult(np.array([[1.0, 3.0]], np.float32), ()), 10.5)
    assert (request.complete, request.answers) == (True, 1)
    snapshot = request.snapshot()
    assert [each.label for each in snapshot.labels] == ["good", "bad"]
    assert snapshot.time_to_first_token_ms == pytest.approx(500)
    request.roll_back(0, 13.0)
    assert (request.complete, request.answers, request.snapshot().labels) == (False, 0, ())


@pytest.mark.parametrize(
    "tensors",
    [
        (),
        (np.zeros((1, 3), np.float32),),
        (np.zeros(2, np.float32),),
        (np.zeros((1, 2), np.int64),),
        (np.array([[1.0, np.nan]], np.float32),),
        (np.zeros((1, 2), np.float32), np.zeros((1, 2), np.float32)),
    ],
)
def test_an_answer_of_another_form_is_refused(tensors: tuple[Tensor, ...]) -> None:
    answer = StepAnswer(ROW, (TraceEntry(0, 1500, 2, 1400),), tensors)
    with raises_saying(WrongAnswerError, match="no 2 finite numbers"):
        vector_result(answer, 2, STAGES)


def test_an_answer_of_the_right_form_is_read_with_its_times() -> None:
    vector = np.array([[1.0, 2.0]], np.float32)
    trace = (TraceEntry(1, 1500, 2, 1400), TraceEntry(2, 9, 9, 9))
    found = vector_result(StepAnswer(ROW, trace, (vector,)), 2, STAGES)
    assert np.array_equal(found.vector, vector)
    assert found.timings == (StageTiming(STAGES[1], 1.5, 1.4),)


def test_a_model_imported_before_there_were_tasks_is_still_one_that_writes(
    library: Library,
) -> None:
    model = library._read("plain")
    fields = {
        name: value
        for name, value in vars(model.manifest).items()
        if name not in {"task", "labels", "scoring", "pad_token", "chat_template"}
    }
    assert type(model.manifest)(**fields) == model.manifest
