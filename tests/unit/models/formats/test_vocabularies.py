"""Tokenizers in other forms than `tokenizer.json`: the same tokens as their makers' programs."""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path

import pytest
import tiktoken

from app.core.errors import BadInputError
from app.models.formats.tokenizer import TextTokenizer
from app.models.formats.vocabularies.finding import tokenizer_content
from tests.saying import raises_saying

PATTERN = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEXTS = ("the theme", "  then\n\n12 over there", "été 日本 😀", "")
CONTROLS = 4
BYTE_PAIRS, UNIGRAMS = 2, 1


def read(folder: Path) -> TextTokenizer:
    content = tokenizer_content(folder)
    assert content is not None
    return TextTokenizer.from_content(content, folder)


def tekken(folder: Path) -> dict[bytes, int]:
    """Write a file as Mistral does; returns the ranks of its tokens."""
    words = [bytes([byte]) for byte in range(256)]
    words += [b"th", b"he", b"the", b" the", b"er", b"ere", b" o", b"\xc3\xa9", b"12"]
    listed = [
        {"rank": rank, "token_bytes": base64.b64encode(word).decode(), "token_str": None}
        for rank, word in enumerate([*words, b"beyond"])
    ]
    size = len(words) + CONTROLS
    names = ("<unk>", "<s>", "</s>", "[INST]")
    settings = {"pattern": PATTERN, "default_vocab_size": size}
    settings["default_num_special_tokens"] = CONTROLS
    controls = [{"rank": rank, "token_str": name} for rank, name in enumerate(names)]
    fields = {"config": settings, "vocab": listed, "special_tokens": controls}
    (folder / "tekken.json").write_text(json.dumps(fields))
    return {word: rank for rank, word in enumerate(words)}


@pytest.mark.parametrize("text", TEXTS)
def test_tekken_gives_the_tokens_of_tiktoken(tmp_path: Path, text: str) -> None:
    ranks = tekken(tmp_path)
    reference = tiktoken.Encoding("t", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})
    expected = [1, *(token + CONTROLS for token in reference.encode(text))]
    found = read(tmp_path)
    assert found.encode(text) == expected
    assert found.decode(expected) == text
    assert found.encode("[INST]") == [1, 3]


def field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2, *size(len(content))]) + content


def size(length: int) -> bytes:
    low, high = length & 127, length >> 7
    return bytes([low | 128, high]) if high else bytes([low])


def pieces(folder: Path, model_type: int = BYTE_PAIRS) -> None:
    """Write a SentencePiece model by hand: bytes, letters, and pairs in the order of merging."""
    listed = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3)]
    listed += [(f"<0x{byte:02X}>", 0.0, 6) for byte in range(256)]
    pairs = ("th", "the", "\u2581the", "re", "er", "ere")
    listed += [(pair, -float(rank), 1) for rank, pair in enumerate(pairs)]
    listed += [(letter, -100.0, 1) for letter in "\u2581themro"]
    content = b"".join(
        field(1, field(1, text.encode()) + b"\x15" + struct.pack("<f", score) + bytes([24, kind]))
        for text, score, kind in listed
    )
    (folder / "tokenizer.model").write_bytes(content + field(2, bytes([24, model_type])))


def test_a_sentence_piece_vocabulary_merges_the_best_pair_first(tmp_path: Path) -> None:
    pieces(tmp_path)
    (tmp_path / "added_tokens.json").write_text(json.dumps({"<extra>": 272}))
    tokenizer = read(tmp_path)

    def shown(text: str) -> list[int | None]:
        return [tokenizer.token_id(each) for each in text.split("|")]

    assert tokenizer.encode("the there") == [1, *shown("\u2581the|\u2581the|re")]
    assert tokenizer.encode("more") == [1, *shown("\u2581|m|o|re")]
    assert tokenizer.encode("é") == [1, *shown("\u2581|<0xC3>|<0xA9>")]
    assert tokenizer.encode("<extra>")[-1] == 272
    assert tokenizer.decode(tokenizer.encode("the é more")) == "the é more"


def test_pairs_of_words_are_split_as_their_class_does(tmp_path: Path) -> None:
    letters = {chr(byte): byte - 33 for byte in range(33, 127)}
    vocabulary = letters | {"Ġ": 94, "th": 95, "Ġth": 96}
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary))
    (tmp_path / "merges.txt").write_text("#version: 0.2\nt h\nĠ th\n")
    assert read(tmp_path).encode("th the") == [95, 96, letters["e"]]
    settings = tmp_path / "tokenizer_config.json"
    settings.write_text(json.dumps({"tokenizer_class": "OwnTokenizer"}))
    with raises_saying(BadInputError, match="OwnTokenizer splits texts is not known"):
        read(tmp_path)


def test_damaged_files_and_unigrams_are_named(tmp_path: Path) -> None:
    pieces(tmp_path, UNIGRAMS)
    with raises_saying(BadInputError, match=r"tokenizer.model holds unigrams"):
        read(tmp_path)
    whole = (tmp_path / "tokenizer.model").read_bytes()
    for length in (1, 7, len(whole) // 2 + 1):
        (tmp_path / "tokenizer.model").write_bytes(whole[:length])
        with raises_saying(BadInputError, match="is damaged|holds unigrams"):
            read(tmp_path)
    (tmp_path / "tekken.json").write_text('{"config": {}, "vocab": 3}')
    with raises_saying(BadInputError, match="Required|required|default_num|tekken.json"):
        read(tmp_path)
