"""Chat templates against transformers' own `apply_chat_template`."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import jinja2
import pytest

from app.core.conversation import ChatMessage, Conversation, Speaker, question
from app.core.errors import BadInputError
from app.models.chat.chat_template import ChatTemplate
from app.models.formats.tokenizer import TextTokenizer
from app.models.library import Library
from tests.saying import raises_saying
from tests.unit.models.chat.chat_templates import GEMMA, TEMPLATES
from tests.unit.models.support import tokenizer, write_random

transformers = pytest.importorskip(
    "transformers", reason="transformers is not installed: chat templates not compared"
)

SPECIAL_TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}
QUESTION = question("  What is <light>? Über 'uns' & \"andere\" {{ bos_token }}\n")
ANSWERED = (
    *QUESTION,
    ChatMessage(Speaker.ASSISTANT, " It shone.\n"),
    ChatMessage(Speaker.USER, "And?"),
)
CONVERSATIONS = {
    "question": QUESTION,
    "answered": ANSWERED,
    "system": (ChatMessage(Speaker.SYSTEM, "Be brief."), *ANSWERED),
}
PAIRS = [
    pair for pair in itertools.product(TEMPLATES, CONVERSATIONS) if pair != ("gemma", "system")
]


def reference_tokenizer(template: str) -> Any:  # noqa: ANN401 - transformers' types are not here
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer(), chat_template=template, **SPECIAL_TOKENS
    )


def dictionaries(conversation: Conversation) -> list[dict[str, str]]:
    return [{"role": each.speaker.value, "content": each.text} for each in conversation]


def imported(tmp_path: Path, template: str) -> tuple[Any, ChatTemplate, TextTokenizer]:
    reference = reference_tokenizer(template)
    folder = write_random(tmp_path / "c")
    reference.save_pretrained(folder)
    library = Library(tmp_path / "home")
    manifest = library.import_folder(folder, "m")
    found, own_tokenizer = library.chat_template(manifest), library.tokenizer(manifest)
    assert found is not None
    assert own_tokenizer is not None
    return reference, found, own_tokenizer


@pytest.mark.parametrize(("name", "conversation"), PAIRS, ids="-".join)
def test_an_imported_models_template_writes_what_the_reference_writes(
    tmp_path: Path, name: str, conversation: str
) -> None:
    reference, template, own_tokenizer = imported(tmp_path, TEMPLATES[name])
    said = CONVERSATIONS[conversation]
    expected = reference.apply_chat_template(
        dictionaries(said), tokenize=False, add_generation_prompt=True
    )
    assert template.render(said) == expected
    tokens = reference.apply_chat_template(
        dictionaries(said), add_generation_prompt=True, return_dict=False
    )
    assert own_tokenizer.encode_rendered(expected) == tokens


def test_a_template_that_refuses_a_conversation_says_why_as_the_reference_does(
    tmp_path: Path,
) -> None:
    reference, template, _tokenizer = imported(tmp_path, GEMMA)
    said = CONVERSATIONS["system"]
    with pytest.raises(jinja2.TemplateError, match="System role not supported"):
        reference.apply_chat_template(dictionaries(said), tokenize=False)
    with raises_saying(BadInputError, match="System role not supported"):
        template.render(said)


def test_a_template_in_the_tokenizers_settings_counts_too(tmp_path: Path) -> None:
    reference = reference_tokenizer(GEMMA)
    folder = write_random(tmp_path / "c")
    reference.save_pretrained(folder, save_jinja_files=False)
    assert not (folder / "chat_template.jinja").exists()
    library = Library(tmp_path / "home")
    template = library.chat_template(library.import_folder(folder, "m"))
    assert template is not None
    assert template.render(QUESTION).startswith("<s><start_of_turn>user\n")
