"""What stands for pictures in a prompt, against the reference's own processor."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import AddedToken, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from app.core.conversation import ChatMessage, Speaker
from app.core.errors import BadInputError
from app.core.tasks import Chat, Complete
from app.models.library import Library
from app.rack.layers.opened_model import OpenedModel
from app.rack.requests.questions import task_question
from tests.integration.models.seeing import SEEING, a_picture, saved_seeing, transformers
from tests.integration.rack.test_seeing import file_of
from tests.saying import raises_saying

MARKS = ["<fake_token_around_image>", "<global-img>", "<end_of_utterance>"]
MARKS += [f"<row_{line}_col_{column}>" for line in range(1, 5) for column in range(1, 5)]
WORDS = ["?", "What", "is", "this", "\n", "User:", "Assistant:", "A", "shoe"]
TEMPLATE = (
    "{% for message in messages %}{{ message['role'] | capitalize }}: "
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "Assistant:"
)
PICTURES = (a_picture(90, 50), a_picture(20, 30))


def tokenizer() -> Tokenizer:
    """Return one in which `<image>` is the models' token, and all marks are tokens."""
    known = {word: place for place, word in enumerate(WORDS)}
    known |= {f"unused {place}": place for place in range(len(known), 150)}
    made = Tokenizer(WordLevel(known | {"<image>": 150}, unk_token="?"))  # noqa: S106
    made.pre_tokenizer = WhitespaceSplit()
    made.add_special_tokens([AddedToken("<image>", special=True, normalized=False)])
    made.add_special_tokens([AddedToken(each, special=True) for each in MARKS[:9]])
    return made


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> OpenedModel:
    folder = tmp_path_factory.mktemp("prompts")
    saved_seeing(folder / "c", "idefics3")
    (folder / "c" / "tokenizer.json").write_text(tokenizer().to_str())
    (folder / "c" / "chat_template.jinja").write_text(TEMPLATE)
    library = Library(folder / "home")
    library.import_folder(folder / "c", "m")
    return OpenedModel.open(library, "m")


def processor(folder: Path) -> Any:  # noqa: ANN401 - the reference's types are not here
    folder.mkdir()
    (folder / "preprocessor_config.json").write_text(json.dumps(dict(SEEING["idefics3"].settings)))
    module = "transformers.models.idefics3.image_processing_pil_idefics3"
    pictures = __import__(module, fromlist=["_"]).Idefics3ImageProcessorPil
    quick = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer(), unk_token="?")  # noqa: S106
    return transformers.Idefics3Processor(
        pictures.from_pretrained(folder), quick, image_seq_len=SEEING["idefics3"].rows
    )


def test_a_chat_with_pictures_becomes_the_references_tokens(
    model: OpenedModel, tmp_path: Path
) -> None:
    files = tuple(map(file_of, PICTURES))
    said = (
        ChatMessage(Speaker.USER, "What is this ?", files[:1]),
        ChatMessage(Speaker.ASSISTANT, "A shoe"),
        ChatMessage(Speaker.USER, "What is this ?", files[1:]),
    )
    question = task_question(model, Chat(said), ())
    template = model.chat_template
    assert template is not None
    text = template.render(said, in_parts=True)
    assert text.count("<image>") == 2
    wanted = processor(tmp_path / "p")(text=text, images=[list(PICTURES)], add_special_tokens=False)
    assert list(question.tokens) == list(wanted["input_ids"][0])
    squares = np.asarray(wanted["pixel_values"]).reshape(-1, 3, 32, 32)
    assert len(question.pixels) == len(squares)
    assert [len(each.squares) for each in question.pictures] == [5, 5]


def test_a_prompt_is_shown_its_pictures_first_or_where_its_marks_are(model: OpenedModel) -> None:
    files = tuple(map(file_of, PICTURES[1:]))
    first = task_question(model, Complete("What is this ?", pictures=files), ())
    marked = task_question(model, Complete("What <image> is", pictures=files), ())
    assert min(first.pixels) < 5 < len(first.tokens)
    assert marked.tokens[0] == WORDS.index("What")


@pytest.mark.parametrize("text", ["an <image> of words", "<image> <image>"])
def test_marks_in_words_without_as_many_pictures_are_refused(model: OpenedModel, text: str) -> None:
    said = ChatMessage(Speaker.USER, text, (file_of(PICTURES[1]),))
    with raises_saying(BadInputError, match="marks of pictures"):
        task_question(model, Chat((said,)), ())
    with raises_saying(BadInputError, match="marks of pictures"):
        task_question(model, Chat((replace(said, pictures=()),)), ())


def test_pictures_of_all_messages_are_counted_before_any_is_read(model: OpenedModel) -> None:
    said = tuple(ChatMessage(Speaker.USER, f"{n}", (b"no picture",)) for n in range(17))
    with raises_saying(BadInputError, match="at most 16 pictures"):
        task_question(model, Chat(said), ())


def test_a_model_that_does_not_see_refuses_pictures(model: OpenedModel) -> None:
    blind = replace(model, manifest=replace(model.manifest, eyes=None, encoder_layers=0))
    for task in (
        Complete("What", pictures=(file_of(PICTURES[1]),)),
        Chat((ChatMessage(Speaker.USER, "What", (b"x",)),)),
    ):
        with raises_saying(BadInputError, match="does not see"):
            task_question(blind, task, ())
