"""Where chat templates are found, what they may not do, and what presets say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.conversation import ChatMessage, Speaker, question
from app.core.errors import BadInputError
from app.core.tasks import Summarise, Translate
from app.models.chat.chat_source import read_chat_template
from app.models.chat.chat_template import ChatTemplate
from app.models.chat.presets import PRESETS_FILE, Presets
from app.models.chat.rendering.bounds import Bounds
from app.models.chat.rendering.environment import rendered
from app.words.sentences import error_text
from tests.saying import raises_saying

ASSETS = Path(__file__).parents[4] / "assets"
LAST = "{{ messages[-1].content }}"
ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"


def template(source: str) -> ChatTemplate:
    return ChatTemplate(source, {"bos_token": "<s>"})


def write_settings(folder: Path, **settings: object) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def test_a_folder_without_a_template_has_none(tmp_path: Path) -> None:
    assert read_chat_template(tmp_path) is None
    write_settings(tmp_path, bos_token=None)
    assert read_chat_template(tmp_path) is None


def test_a_file_of_its_own_counts_before_the_settings(tmp_path: Path) -> None:
    write_settings(tmp_path, chat_template="old", bos_token={"content": "<s>", "lstrip": False})
    found = read_chat_template(tmp_path)
    assert found == ChatTemplate("old", {"bos_token": "<s>"})
    (tmp_path / "chat_template.jinja").write_text("new")
    (tmp_path / "special_tokens_map.json").write_text('{"bos_token": "x", "eos_token": "</s>"}')
    found = read_chat_template(tmp_path)
    assert found == ChatTemplate("new", {"bos_token": "<s>", "eos_token": "</s>"})


def test_of_several_templates_the_default_is_taken(tmp_path: Path) -> None:
    named = [{"name": name, "template": name[:3]} for name in ("tool_use", "default")]
    write_settings(tmp_path, chat_template=named)
    assert read_chat_template(tmp_path) == ChatTemplate("def", {})
    write_settings(tmp_path, chat_template=named[:1])
    assert read_chat_template(tmp_path) == ChatTemplate("too", {})


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (5, "not a text"),
        (["x"], "names and texts"),
        ([{"name": "rag", "template": "x"}, {"name": "tools", "template": "y"}], "rag, tools"),
        ("x" * ((1 << 20) + 1), "too large"),
    ],
)
def test_a_template_that_cannot_be_told_is_refused(
    tmp_path: Path, value: object, told: str
) -> None:
    write_settings(tmp_path, chat_template=value)
    with raises_saying(BadInputError, match=told):
        read_chat_template(tmp_path)


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ messages.append(1) }}",
        "{% for index in range(10 ** 9) %}{% endfor %}",
        "{% if %}",
        "{{ raise_exception('no\nsuch') }}",
    ],
)
def test_what_a_template_may_not_do_ends_in_one_line(source: str) -> None:
    with raises_saying(BadInputError, match="chat template refuses") as caught:
        template(source).render(question("hello"))
    assert "\n" not in error_text(caught.value)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (ENDLESS, "does not end within 1 s of computing"),
        ("{{ 9 ** (9 ** 9) }}", "does not end within 1 s of computing"),
        ("{{ 'x' * 10 ** 10 }}", "needs more than 256 MiB of memory"),
        ("{{ messages[0].content * 3145728 }}", "writes more than 2 MiB"),
        ("{{ '\\ud800' }}", "surrogates not allowed"),
        ("{{ raise_exception('x' * 10 ** 6) }}", "x{300}[.]$"),
        ("{{" + "(" * 5000 + "1" + ")" * 5000 + "}}", "recursion"),
    ],
)
def test_a_template_that_would_go_on_for_ever_or_grow_is_ended_with_one_line(
    source: str, told: str
) -> None:
    bounds = Bounds(processor_s=1, waiting_s=150, memory_bytes=256 << 20, text_bytes=2 << 20)
    with raises_saying(BadInputError, match=told) as caught:
        template(source).render(question("a"), bounds)
    assert "\n" not in error_text(caught.value)


def test_a_template_that_gets_no_processor_time_is_given_up() -> None:
    with raises_saying(BadInputError, match="gave no answer within 0 s"):
        template(LAST).render(question("a"), Bounds(waiting_s=0))


def test_a_template_within_the_bounds_is_what_it_was() -> None:
    said = question("Ü \U0001f600\n")
    assert template("{{ bos_token }}" + LAST).render(said) == "<s>Ü \U0001f600\n"


@given(st.text())
def test_a_message_is_never_read_as_a_template(text: str) -> None:
    said = "{{ bos_token }}{% raw %}" + text
    assert rendered(LAST, template(LAST).names(question(said))) == said


def test_a_system_message_comes_first() -> None:
    assert [message.speaker for message in question("x", "be kind")] == ["system", "user"]
    assert question("x") == (ChatMessage(Speaker.USER, "x"),)


@given(st.text(min_size=1).filter(str.strip))
def test_presets_hold_the_text_as_it_is(text: str) -> None:
    presets = Presets.read(ASSETS / PRESETS_FILE)
    for task in (Summarise(text), Translate(text, "German")):
        assert text in presets.message(task)
        assert text in presets.plain(task)
    assert "German" in presets.message(Translate(text, "German"))


def test_a_homes_own_presets_replace_the_others(tmp_path: Path) -> None:
    own = tmp_path / PRESETS_FILE
    own.write_text(
        '[summarise]\nmessage = "In one word: $text"\nplain = "$text ="\n'
        '[translate]\nmessage = "$language: $text"\nplain = "$$ $text"\n'
    )
    presets = Presets.read(own, ASSETS / PRESETS_FILE)
    assert presets.message(Summarise("$language")) == "In one word: $language"
    assert presets.plain(Translate("a", "b")) == "$ a"


@pytest.mark.parametrize("plain", ["no blank", "$text $other", "$text $"])
def test_presets_with_unknown_blanks_are_refused(tmp_path: Path, plain: str) -> None:
    own = tmp_path / PRESETS_FILE
    own.write_text(f'[summarise]\nmessage = "$text"\nplain = "{plain}"\n')
    with raises_saying(BadInputError, match=r"summarise.*\$text"):
        Presets.read(own)


@pytest.mark.parametrize(
    ("task", "told"),
    [(Summarise("  "), "no text"), (Translate("x", " "), "language"), (Translate("", "x"), "text")],
)
def test_a_task_without_its_words_is_refused(task: Summarise | Translate, told: str) -> None:
    with raises_saying(BadInputError, match=told):
        Presets.read(ASSETS / PRESETS_FILE).message(task)
