"""A GGUF file's tokenizer is the published one, on 10,000 lines of mixed scripts."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from app.core.errors import BadInputError
from app.models.formats.gguf.header import read_header
from app.models.formats.gguf.tokenizer import chat_template_of, tokenizer_of
from tests.saying import raises_saying
from tests.unit.models.mixed_lines import mixed_lines
from tests.unit.models.published_tokenizers import (
    OWN,
    PUBLISHED,
    Published,
    byte_level,
    plain_bytes,
    write_vocabulary,
)

LINES = mixed_lines(10_000)


def read_back(published: Published, folder: Path) -> Tokenizer:
    file = write_vocabulary(folder / "m.gguf", published)
    content = tokenizer_of(read_header(file), file.name)
    assert content
    made: Tokenizer = Tokenizer.from_buffer(content)
    return made


def tokens_of(tokenizer: Tokenizer, lines: list[str]) -> list[list[int]]:
    return [encoding.ids for encoding in tokenizer.encode_batch(lines)]


@pytest.mark.parametrize("name", PUBLISHED)
def test_tokens_and_texts_equal_the_published_tokenizers(name: str, tmp_path: Path) -> None:
    published = PUBLISHED[name]()
    original, made = published.tokenizer, read_back(published, tmp_path)
    assert made.get_vocab() == original.get_vocab()
    lines = [*LINES, "", " ", f"a{OWN} b", "x</s>y", "<unk>"]
    expected = tokens_of(original, lines)
    assert tokens_of(made, lines) == expected
    assert made.decode_batch(expected[-1000:]) == original.decode_batch(expected[-1000:])
    text = LINES[0]
    bare = made.encode(text, add_special_tokens=False).ids
    assert (bare == made.encode(text).ids) is not published.begins


def test_the_lines_tell_the_rules_apart(tmp_path: Path) -> None:
    """Each rule has lines that another rule would split otherwise; else nothing was tried."""
    published = PUBLISHED["llama 3"]()
    for other in ("gpt-2", "qwen2", "tekken", "smollm"):
        swapped = Published(
            published.tokenizer, published.architecture, "gpt2", other, published.begins
        )
        made = read_back(swapped, tmp_path)
        lines = LINES[:1000]
        assert tokens_of(made, lines) != tokens_of(published.tokenizer, lines), other


def test_the_chat_template_comes_with_the_texts_of_its_tokens(tmp_path: Path) -> None:
    source = "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}"
    file = write_vocabulary(tmp_path / "m.gguf", PUBLISHED["gpt-2"](), source)
    template = chat_template_of(read_header(file))
    assert template
    assert template.source == source
    assert template.special_tokens == {
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
    }


@pytest.mark.parametrize(
    ("kind", "rule", "message"),
    [
        ("bert", "gpt-2", "a kind that is not read: bert"),
        ("gpt2", "poro-chat", "a rule that is not known here: poro-chat"),
    ],
)
def test_what_would_be_guessed_is_refused(
    kind: str, rule: str, message: str, tmp_path: Path
) -> None:
    made = byte_level("gpt-2", plain_bytes())
    file = write_vocabulary(
        tmp_path / "m.gguf", Published(made.tokenizer, "llama", kind, rule, begins=False)
    )
    with raises_saying(BadInputError, message):
        tokenizer_of(read_header(file), file.name)
