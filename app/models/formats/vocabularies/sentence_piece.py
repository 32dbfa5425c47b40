"""`tokenizer.model`: a vocabulary of SentencePiece, a message of protocol buffers.

Numbers of its fields are those of sentencepiece's `sentencepiece_model.proto`. Byte pairs are read
(`model_type` 2); what was trained as unigrams is not.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from app.core.errors import BadInputError
from app.models.formats.gguf.header import GgufHeader, Value
from app.models.formats.gguf.tokenizer import PREFIX, SENTENCE_PIECE, tokenizer_of

_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3
_PIECE, _SCORE, _KIND = 1, 2, 3
_MODEL_TYPE, _BYTE_PAIRS, _UNIGRAMS = 3, 2, 1
_IDS: Final = {"unknown_token_id": 40, "bos_token_id": 41, "eos_token_id": 42}
_ADDS_PREFIX: Final = 3
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MOST_PIECES: Final = 1 << 21
_USER_DEFINED, _CONTROL = 4, 3

Field = tuple[int, int | bytes]


def tokenizer_from_pieces(
    content: bytes,
    path: Path,
    added: Mapping[int, tuple[str, bool]],
    settings: Mapping[str, object],
) -> bytes:
    """Return the content of a `tokenizer.json`.

    `added` are tokens beyond the vocabulary by their ids, with whether they are special; `settings`
    those of the tokenizer beside. Raises `BadInputError` where the file is damaged or of another
    kind.
    """
    try:
        values = _values(content, path)
    except (IndexError, struct.error, ValueError, TypeError, OverflowError) as error:
        raise BadInputError("tokenizer.damaged", path=str(path)) from error
    _append(values, added, path)
    for field in ("add_bos_token", "add_eos_token"):
        if isinstance(settings.get(field), bool):
            values[PREFIX + field] = bool(settings[field])
    made = tokenizer_of(GgufHeader(values, {}), path.name)
    if made is None:
        raise BadInputError("tokenizer.damaged", path=str(path))
    return made


def _values(content: bytes, path: Path) -> dict[str, Value]:
    """Return what a GGUF file would say of the vocabulary."""
    pieces: list[tuple[str, float, int]] = []
    trainer: dict[int, int | bytes] = {}
    normalizer: dict[int, int | bytes] = {}
    for number, value in _fields(content):
        if number == _PIECES:
            pieces.append(_piece(dict(_fields(_raw(value)))))
        elif number == _TRAINER:
            trainer = dict(_fields(_raw(value)))
        elif number == _NORMALIZER:
            normalizer = dict(_fields(_raw(value)))
    if not 0 < len(pieces) <= _MOST_PIECES:
        raise BadInputError("tokenizer.damaged", path=str(path))
    if trainer.get(_MODEL_TYPE, _UNIGRAMS) != _BYTE_PAIRS:
        raise BadInputError("tokenizer.unigrams", file=path.name)
    ids = {
        PREFIX + name: int(trainer.get(number, index))
        for index, (name, number) in enumerate(_IDS.items())
    }
    tokens, scores, kinds = zip(*pieces, strict=True)
    return {
        **ids,
        PREFIX + "model": SENTENCE_PIECE,
        PREFIX + "tokens": tokens,
        PREFIX + "scores": np.array(scores, np.float32),
        PREFIX + "token_type": np.array(kinds, np.int32),
        PREFIX + "add_space_prefix": bool(normalizer.get(_ADDS_PREFIX, 1)),
    }


def _append(values: dict[str, Value], added: Mapping[int, tuple[str, bool]], path: Path) -> None:
    """Put added tokens behind the vocabulary, or in the place of unused ones."""
    tokens, scores, kinds = (
        list(values[PREFIX + name])  # type: ignore[arg-type]
        for name in ("tokens", "scores", "token_type")
    )
    for index in sorted(added):
        text, is_special = added[index]
        if index > len(tokens):
            raise BadInputError("tokenizer.damaged", path=str(path))
        place = slice(index, index + 1)
        tokens[place], scores[place] = [text], [0.0]
        kinds[place] = [_CONTROL if is_special else _USER_DEFINED]
    values[PREFIX + "tokens"] = tuple(tokens)
    values[PREFIX + "scores"] = np.array(scores, np.float32)
    values[PREFIX + "token_type"] = np.array(kinds, np.int32)


def _piece(fields: Mapping[int, int | bytes]) -> tuple[str, float, int]:
    text, score = _raw(fields.get(_PIECE, b"")), _raw(fields.get(_SCORE, bytes(4)))
    (number,) = struct.unpack("<f", score)
    return text.decode(), float(number), int(fields.get(_KIND, 1))


def _raw(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError(value)
    return value


def _fields(content: bytes) -> Iterator[Field]:
    """Yield the fields of a message: numbers, or the bytes of anything longer."""
    place = 0
    while place < len(content):
        key, place = _number(content, place)
        kind = key & 7
        if kind == _VARINT:
            value, place = _number(content, place)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, place = _number(content, place)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise IndexError(place)
        if place + size > len(content):
            raise IndexError(place)
        yield key >> 3, content[place : place + size]
        place += size


def _number(content: bytes, place: int) -> tuple[int, int]:
    """Return a number in groups of seven bits, the lowest first, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        byte = content[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise IndexError(place)
