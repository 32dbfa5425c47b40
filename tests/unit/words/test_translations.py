"""What the code says, the template and every language's catalogue, held against each other."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest
import translations
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from app.words.catalogue import ENGLISH, LANGUAGES

ROOT = translations.ROOT
OTHERS = sorted(set(LANGUAGES) - {ENGLISH})
GLOSSARY = {
    "phone": ("デバイス",),
    "device": ("デバイス",),
    "rack": ("ラック",),
    "layer": ("レイヤー",),
    "ledger": ("台帳",),
    "receipt": ("レシート",),
    "audit": ("監査", "検証"),
    "reputation": ("評判",),
    "stake": ("ステーク",),
    "staking": ("ステーキング",),
    "slashing": ("スラッシング",),
    "slashed": ("スラッシング",),
    "evidence": ("証拠",),
    "fault": ("障害",),
    "failover": ("引き継ぎ",),
    "re-plan": ("再計画",),
    "verified": ("検証済み", "未検証"),
    "token": ("トークン",),
    "model": ("モデル",),
    "worker": ("ワーカー",),
    "journal": ("ジャーナル",),
    "stage": ("ステージ",),
    "stream": ("ストリーム",),
    "plan": ("計画",),
    "prompt": ("プロンプト",),
    "jail": ("ジェイル",),
    "memory": ("メモリ",),
}
"""One word for one thing: where English has the one, Japanese has the other."""
AVOIDED = (
    *("電話", "携帯", "スマートフォン", "スマホ", "端末", "フェイルオーバー", "元帳", "領収書"),
    *("メモリー", "較正", "ピクセル", "計算機"),
)
"""Other words for what the glossary names."""
LATIN = re.compile("[A-Za-z]")
KANA = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
SAME_EVERYWHERE = {
    "CPU {share:.0%}",
    "Python",
    "Top-p",
    "Wi-Fi",
    "p95",
    "`shardloom bench {name}`、{date}、{machine}。",
}
"""Names, and a line that is one but for its commas."""
COUNTED_OTHERWISE = {
    "rack: {name} ({count} phones)",
    "{phase}: {count} phones lost",
}
"""Where the Japanese counter alone says what is counted."""


def _keys(catalogue: Catalog) -> set[object]:
    return {_key(each) for each in catalogue if each.id}


def _key(each: Message) -> object:
    return each.id if isinstance(each.id, str) else tuple(each.id)


def _translated(each: Message) -> tuple[str, ...]:
    """Return a message's translation, in each plural form where it has any."""
    if each.string is None or isinstance(each.string, str):
        return (each.string or "",)
    return tuple(each.string)


def _texts(each: Message) -> Iterator[tuple[str, str]]:
    """Yield each English text of a message beside its translation."""
    english = each.id if isinstance(each.id, str) else each.id[-1]
    yield from ((english, text) for text in _translated(each))


@lru_cache
def _catalogue(language: str) -> Catalog:
    return translations.catalogue(language)


@lru_cache
def _template() -> Catalog:
    return translations.template()


def _messages(language: str) -> list[Message]:
    return [each for each in _catalogue(language) if each.id]


def test_no_generated_file_is_stale() -> None:
    assert translations.stale() == [], "make translations"


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_exactly_what_the_code_says(language: str) -> None:
    with (ROOT / translations.TEMPLATE).open("rb") as file:
        template = _keys(read_po(file))
    assert template == _keys(_template())
    assert _keys(_catalogue(language)) == template
    assert len(template) > 300


@pytest.mark.parametrize("language", OTHERS)
def test_every_message_is_translated_in_every_plural_form(language: str) -> None:
    catalogue = _catalogue(language)
    for each in _messages(language):
        assert not each.fuzzy, each.id
        assert all(text.strip() for _, text in _texts(each)), each.id
        if not isinstance(each.id, str):
            assert len(_translated(each)) == catalogue.num_plurals, each.id


def test_a_japanese_text_has_japanese_in_it() -> None:
    texts = (text for each in _messages("ja") for _, text in _texts(each))
    assert {text for text in texts if LATIN.search(_own(text)) and not KANA.search(text)} == (
        SAME_EVERYWHERE
    )


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_fields_of_its_message(language: str) -> None:
    for each in _messages(language):
        for english, text in _texts(each):
            assert _fields(text) == _fields(english), english
            assert _tags(text) == _tags(english), english
            assert ("&" in english.replace("&gt;", "")) == ("&" in text.replace("&gt;", ""))


def test_the_plural_forms_of_english_have_the_same_fields() -> None:
    for each in _template():
        if each.id and not isinstance(each.id, str):
            one, many = each.id
            assert _fields(one) == _fields(many), one


@pytest.mark.parametrize(("word", "japanese"), GLOSSARY.items())
def test_one_word_stands_for_one_thing(word: str, japanese: tuple[str, ...]) -> None:
    pairs = [pair for each in _messages("ja") for pair in _texts(each) if word in _words(pair[0])]
    assert pairs, f"{word} is said nowhere"
    others = [pair for pair in pairs if not any(each in pair[1] for each in japanese)]
    assert [pair for pair in others if pair[0] not in COUNTED_OTHERWISE] == []


def test_no_other_word_stands_for_what_the_glossary_names() -> None:
    for each in _messages("ja"):
        for _, text in _texts(each):
            assert not any(word in text for word in AVOIDED), text


def test_every_key_in_the_code_is_one_that_extraction_finds() -> None:
    """Extraction reads tokens: it misses a call inside an f-string, or a key that is no literal."""
    known: set[str] = set()
    for each in _template():
        known.update([each.id] if isinstance(each.id, str) else each.id)
    missed = [
        f"{path.relative_to(ROOT)}: {key}"
        for path in sorted((ROOT / "app").rglob("*.py"))
        for key in _said(path)
        if key and key not in known
    ]
    assert missed == []


def _said(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name in translations.KEYWORDS:
            places = translations.KEYWORDS[name] or (1,)
            values = (getattr(node.args[place - 1], "value", None) for place in places)
            yield from (value for value in values if isinstance(value, str))


def _own(text: str) -> str:
    """Return a text without its fields."""
    return "".join(part for part, *_ in string.Formatter().parse(text))


def _fields(text: str) -> list[tuple[str, str]]:
    parts = string.Formatter().parse(text)
    return sorted((name, form or "") for _, name, form, _ in parts if name is not None)


def _tags(text: str) -> int:
    return text.count("<b>") + text.count("</b>")


def _words(english: str) -> set[str]:
    """Return the words of a text without its fields, in lower case and in the singular."""
    plain = _own(english).lower()
    letters = "".join(letter if letter.isalpha() or letter == "-" else " " for letter in plain)
    return {word.removesuffix("s") for word in letters.split()} | set(letters.split())
