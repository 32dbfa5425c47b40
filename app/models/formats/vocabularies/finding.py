"""Which tokenizer a folder has, whatever its form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from app.core.errors import BadInputError
from app.models.configuration import Configuration
from app.models.formats.gguf.header import GgufHeader, Value
from app.models.formats.gguf.tokenizer import BYTE_LEVEL, PREFIX, tokenizer_of
from app.models.formats.tokenizer import read_tokenizer_file
from app.models.formats.vocabularies.sentence_piece import tokenizer_from_pieces
from app.models.formats.vocabularies.tekken import tokenizer_from_tekken

TOKENIZER_FILE: Final = "tokenizer.json"
PIECES_FILE: Final = "tokenizer.model"
TEKKEN_FILE: Final = "tekken.json"
VOCABULARY_FILE: Final = "vocab.json"
MERGES_FILE: Final = "merges.txt"
_SETTINGS_FILE: Final = "tokenizer_config.json"
_ADDED_FILE: Final = "added_tokens.json"
TOKENIZER_FILES: Final = (
    *(TOKENIZER_FILE, TEKKEN_FILE, PIECES_FILE, VOCABULARY_FILE, MERGES_FILE),
    _ADDED_FILE,
)
_SPLIT_AS: Final = {
    "GPT2Tokenizer": "gpt-2",
    "OPTTokenizer": "gpt-2",
    "CodeGenTokenizer": "gpt-2",
    "GPTNeoXTokenizer": "gpt-2",
    "Qwen2Tokenizer": "qwen2",
}
"""How the classes that keep pairs of words split a text, by the names that GGUF gives the rules."""
_CONTROL, _USER_DEFINED, _NORMAL = 3, 4, 1
_LONGEST_ID: Final = 10

Added = Mapping[int, tuple[str, bool]]


def tokenizer_content(folder: Path) -> bytes | None:
    """Return what a `tokenizer.json` holds or would hold, None where the folder has no tokenizer.

    Raises `BadInputError` where there is one that is damaged or of a kind that is not read.
    """
    if (folder / TOKENIZER_FILE).is_file():
        return read_tokenizer_file(folder / TOKENIZER_FILE)
    path = folder / TEKKEN_FILE
    if path.is_file():
        return tokenizer_from_tekken(read_tokenizer_file(path), path)
    path = folder / PIECES_FILE
    if path.is_file():
        settings = _settings(folder)
        added = _added(folder, settings)
        return tokenizer_from_pieces(read_tokenizer_file(path), path, added, settings)
    if (folder / VOCABULARY_FILE).is_file() and (folder / MERGES_FILE).is_file():
        return _from_pairs(folder)
    return None


def _settings(folder: Path) -> Mapping[str, object]:
    path = folder / _SETTINGS_FILE
    return Configuration.from_file(path).values if path.is_file() else {}


def _added(folder: Path, settings: Mapping[str, object]) -> Added:
    """Return tokens that were added to a vocabulary by their ids, and whether they are special."""
    found: dict[int, tuple[str, bool]] = {}
    path = folder / _ADDED_FILE
    if path.is_file():
        for text, index in Configuration.from_file(path).values.items():
            if isinstance(index, int) and index >= 0:
                found[index] = (text, False)
    decoder = settings.get("added_tokens_decoder")
    for key, fields in decoder.items() if isinstance(decoder, dict) else ():
        if isinstance(fields, dict) and isinstance(fields.get("content"), str) and _is_id(key):
            found[int(key)] = (fields["content"], bool(fields.get("special")))
    return found


def _from_pairs(folder: Path) -> bytes:
    """Return a tokenizer from a vocabulary and merges, split as its class does."""
    settings, path = _settings(folder), folder / VOCABULARY_FILE
    kind = str(settings.get("tokenizer_class", "GPT2Tokenizer")).removesuffix("Fast")
    if kind not in _SPLIT_AS:
        raise BadInputError("tokenizer.splitting_unknown", file=path.name, kind=kind[:40])
    try:
        vocabulary = json.loads(read_tokenizer_file(path))
        tokens = {int(index): str(text) for text, index in vocabulary.items()}
        lines = read_tokenizer_file(folder / MERGES_FILE).decode().splitlines()
    except (AttributeError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise BadInputError("tokenizer.damaged", path=str(path)) from error
    added = _added(folder, settings)
    tokens |= {index: text for index, (text, _) in added.items()}
    if sorted(tokens) != list(range(len(tokens))):
        raise BadInputError("tokenizer.damaged", path=str(path))
    kinds = [_kind(index, added) for index in range(len(tokens))]
    values: dict[str, Value] = {
        PREFIX + "model": BYTE_LEVEL,
        PREFIX + "pre": _SPLIT_AS[kind],
        PREFIX + "tokens": tuple(tokens[index] for index in range(len(tokens))),
        PREFIX + "token_type": np.array(kinds, np.int32),
        PREFIX + "merges": tuple(
            line for line in lines if line and not line.startswith("#version")
        ),
    }
    made = tokenizer_of(GgufHeader(values, {}), path.name)
    if made is None:
        raise BadInputError("tokenizer.damaged", path=str(path))
    return made


def _is_id(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) < _LONGEST_ID


def _kind(index: int, added: Added) -> int:
    if index not in added:
        return _NORMAL
    return _CONTROL if added[index][1] else _USER_DEFINED
