"""`tekken.json`: Mistral's byte pairs, tokens as bytes in the order in which they are merged.

Control tokens have the first ids; the vocabulary's follow. A pair is merged before another where
the token it makes comes first (tiktoken's rule).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors

from app.core.errors import BadInputError
from app.models.configuration import Configuration
from app.models.formats.vocabularies.byte_text import LONGEST_TOKEN, byte_text

_MOST_TOKENS: Final = 1 << 21
_OLD_CONTROLS: Final = (
    *("<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]"),
    *("[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]"),
    *("[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"),
    "[TOOL_CONTENT]",
)
"""Of files that do not list them (mistral-common's `SpecialTokens` before version 7)."""
_BEGIN: Final = "<s>"


def tokenizer_from_tekken(content: bytes, path: Path) -> bytes:
    """Return the content of a `tokenizer.json`. Raises `BadInputError` for a damaged file."""
    try:
        values = json.loads(content)
        settings = Configuration(values["config"])
        controls = _controls(values, settings)
        size = settings.dimension("default_vocab_size") - len(controls)
        words = _words(values["vocab"][:size])
        return _made(words, controls, settings.text("pattern")).to_str().encode()
    except BadInputError:
        raise
    except Exception as error:  # the library raises bare Exception only
        raise BadInputError("tokenizer.damaged", path=str(path)) from error


def _words(listed: Sequence[Mapping[str, str]]) -> list[bytes]:
    words = [base64.b64decode(each["token_bytes"]) for each in listed]
    if len(words) > _MOST_TOKENS or len(set(words)) != len(words):
        raise ValueError(len(words))
    if max(map(len, words), default=0) > LONGEST_TOKEN:
        raise ValueError(LONGEST_TOKEN)
    return words


def _made(words: list[bytes], controls: list[str], pattern: str) -> Tokenizer:
    made = _byte_pairs(words, controls, pattern)
    made.add_special_tokens([AddedToken(each, normalized=False, special=True) for each in controls])
    made.post_processor = processors.TemplateProcessing(
        single=[_BEGIN, "$A"], special_tokens=[(_BEGIN, controls.index(_BEGIN))]
    )
    return made


def _controls(values: Mapping[str, object], settings: Configuration) -> list[str]:
    """Return the control tokens in the order of their ids, which begin at 0."""
    count = settings.dimension("default_num_special_tokens", maximum=_MOST_TOKENS)
    names = [f"<SPECIAL_{index}>" for index in range(count)]
    listed = values.get("special_tokens")
    if not isinstance(listed, list):
        names[: len(_OLD_CONTROLS)] = _OLD_CONTROLS[:count]
        return names
    for each in listed:
        if not 0 <= each["rank"] < count or not isinstance(each["token_str"], str):
            raise ValueError(each)
        names[each["rank"]] = each["token_str"]
    if _BEGIN not in names or len(set(names)) != count:
        raise ValueError(count)
    return names


def _byte_pairs(words: list[bytes], controls: list[str], pattern: str) -> Tokenizer:
    ranks = {word: rank for rank, word in enumerate(words)}
    texts = [byte_text(word) for word in words]
    merges = [
        (byte_text(word[:cut]), byte_text(word[cut:]))
        for word in words
        for cut in _cuts(word, ranks)
    ]
    ids = {text: place for place, text in enumerate([*controls, *texts])}
    if len(ids) != len(controls) + len(words):
        raise ValueError(len(ids))
    made = Tokenizer(models.BPE(ids, merges, ignore_merges=True))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    return made


def _cuts(word: bytes, ranks: Mapping[bytes, int]) -> list[int]:
    """Return where a token can be put together from two others, the earliest ones first."""
    cuts = [cut for cut in range(1, len(word)) if word[:cut] in ranks and word[cut:] in ranks]
    return sorted(cuts, key=lambda cut: (ranks[word[:cut]], ranks[word[cut:]]))
