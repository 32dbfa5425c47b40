"""A GGUF file's vocabulary as the `tokenizer.json` that it was made from.

The file keeps tokens, their kinds, merges or scores, and the name of the rule that texts are split
by; normalisation follows from the model's family.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from gguf.constants import TokenType
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

from app.core.errors import BadInputError
from app.models.chat.chat_template import ChatTemplate
from app.models.formats.gguf.header import GgufHeader
from app.models.formats.gguf.splitting import SPLITTING, Splitting
from app.models.formats.vocabularies.byte_text import LONGEST_TOKEN

PREFIX = "tokenizer.ggml."
BYTE_LEVEL, SENTENCE_PIECE = "gpt2", "llama"
SPACE = "\u2581"
"""What SentencePiece writes for a space."""
_GEMMAS = ("gemma", "gemma2", "gemma3")
_SPECIAL = {
    "bos_token": "bos_token_id",
    "eos_token": "eos_token_id",
    "unk_token": "unknown_token_id",
    "pad_token": "padding_token_id",
}


@dataclass(frozen=True)
class Vocabulary:
    """What a file says of its tokens."""

    header: GgufHeader
    file: str
    tokens: tuple[str, ...]

    def number(self, name: str) -> int | None:
        """Return a token's id, or None where the file names none."""
        value = self.header.values.get(PREFIX + name)
        return value if isinstance(value, int) and 0 <= value < len(self.tokens) else None

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a truth value."""
        value = self.header.values.get(PREFIX + name, default)
        return bool(value) if isinstance(value, bool | int) else default

    def text(self, name: str) -> str:
        """Return a text, empty where there is none."""
        value = self.header.values.get(PREFIX + name, "")
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts, empty where there is none."""
        value = self.header.values.get(PREFIX + name, ())
        return value if isinstance(value, tuple) else ()

    def kinds(self) -> list[int]:
        """Return each token's kind; all are normal where the file does not say."""
        value = self.header.values.get(PREFIX + "token_type")
        if isinstance(value, np.ndarray) and len(value) == len(self.tokens):
            return [int(kind) for kind in value]
        return [int(TokenType.NORMAL)] * len(self.tokens)

    def scores(self) -> list[float]:
        """Return each token's score. Raises `BadInputError` where they are not as many."""
        value = self.header.values.get(PREFIX + "scores")
        if not isinstance(value, np.ndarray) or len(value) != len(self.tokens):
            raise BadInputError("gguf.bad_tokenizer", file=self.file)
        return [float(score) for score in value]


def tokenizer_of(header: GgufHeader, file: str) -> bytes | None:
    """Return the content of a `tokenizer.json`, or None where the file has no vocabulary.

    Raises `BadInputError` for a tokenizer of another kind, or one that is damaged.
    """
    tokens = header.values.get(PREFIX + "tokens")
    kind = header.values.get(PREFIX + "model")
    if not isinstance(tokens, tuple) or not tokens:
        return None
    vocabulary = Vocabulary(header, file, tokens)
    if kind not in (BYTE_LEVEL, SENTENCE_PIECE):
        raise BadInputError("gguf.unknown_tokenizer", file=file, kind=str(kind)[:40])
    try:
        made = _byte_level(vocabulary) if kind == BYTE_LEVEL else _sentence_piece(vocabulary)
        _add_tokens(made, vocabulary)
        made.post_processor = _ends(vocabulary, default_begin=kind == SENTENCE_PIECE)
        return made.to_str().encode()
    except BadInputError:
        raise
    except Exception as error:  # the library raises bare Exception only
        raise BadInputError("gguf.bad_tokenizer", file=file) from error


def chat_template_of(header: GgufHeader) -> ChatTemplate | None:
    """Return the conversation's form, or None where the file has none."""
    source = header.values.get("tokenizer.chat_template")
    tokens = header.values.get(PREFIX + "tokens")
    if not isinstance(source, str) or not source:
        return None
    vocabulary = Vocabulary(header, "", tokens if isinstance(tokens, tuple) else ())
    return ChatTemplate(source, _special_tokens(vocabulary))


def _byte_level(vocabulary: Vocabulary) -> Tokenizer:
    """Return byte-level BPE (Radford et al. 2019, section 2.2), split by the file's own rule."""
    name = vocabulary.text("pre") or "default"
    splitting = SPLITTING.get(name)
    if splitting is None:
        raise BadInputError("gguf.unknown_splitting", file=vocabulary.file, kind=name[:40])
    merges = [_pair(merge, vocabulary.file) for merge in vocabulary.texts("merges")]
    ids = {token: index for index, token in enumerate(vocabulary.tokens)}
    made = Tokenizer(models.BPE(ids, merges, ignore_merges=splitting.whole_words))
    made.normalizer = normalizers.NFC() if splitting.composed else None
    made.pre_tokenizer = _split(splitting)
    made.decoder = decoders.ByteLevel()
    return made


def _split(splitting: Splitting) -> pre_tokenizers.PreTokenizer:
    rules: list[pre_tokenizers.PreTokenizer] = [
        pre_tokenizers.Split(Regex(expression), behavior="isolated")
        for expression in splitting.expressions
    ]
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return pre_tokenizers.Sequence([*rules, bytes_only])


def _pair(merge: str, file: str) -> tuple[str, str]:
    left, _, right = merge.partition(" ")
    if not left or not right:
        raise BadInputError("gguf.bad_tokenizer", file=file)
    return left, right


def _sentence_piece(vocabulary: Vocabulary) -> Tokenizer:
    """Return SentencePiece's BPE (Kudo and Richardson 2018): bytes where no token fits.

    Its merges are those of every pair of tokens that is a token too, the best scored first. Gemma's
    scores do not tell the order; the place in the vocabulary does.
    """
    is_gemma = vocabulary.header.values.get("general.architecture") in _GEMMAS
    tokens = [_respelled(token) for token in vocabulary.tokens] if is_gemma else vocabulary.tokens
    order = [-float(place) for place in range(len(tokens))] if is_gemma else vocabulary.scores()
    ids = {token: index for index, token in enumerate(tokens)}
    unknown = vocabulary.number("unknown_token_id") or 0
    made = Tokenizer(
        models.BPE(
            ids,
            _merges(tokens, ids, order),
            unk_token=tokens[unknown],
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    spaced = normalizers.Replace(" ", SPACE)
    prefixed = vocabulary.flag("add_space_prefix", default=not is_gemma)
    made.normalizer = (
        normalizers.Sequence([normalizers.Prepend(SPACE), spaced]) if prefixed else spaced
    )
    if is_gemma:
        made.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    steps = [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    made.decoder = decoders.Sequence([*steps, decoders.Strip(" ", 1, 0)] if prefixed else steps)
    return made


def _respelled(token: str) -> str:
    """Return a token of spaces as the tokenizer looks it up."""
    return SPACE * len(token) if len(token) > 1 and not token.strip(" ") else token


def _merges(
    tokens: Sequence[str], ids: Mapping[str, int], order: Sequence[float]
) -> list[tuple[str, str]]:
    """Return every way to put a token together from two, best tokens first.

    Raises `ValueError` where one is longer than any is.
    """
    if max(map(len, tokens)) > LONGEST_TOKEN:
        raise ValueError(LONGEST_TOKEN)
    found: list[tuple[float, int, int, str, str]] = []
    for index, token in enumerate(tokens):
        for cut in range(1, len(token)):
            left, right = token[:cut], token[cut:]
            if left in ids and right in ids:
                found.append((-order[index], ids[left], ids[right], left, right))
    return [(left, right) for *_, left, right in sorted(found)]


def _add_tokens(made: Tokenizer, vocabulary: Vocabulary) -> None:
    """Add the tokens that are found whole in a text: control tokens and the model's own."""
    listed = list(zip(vocabulary.tokens, vocabulary.kinds(), strict=True))
    special = (int(TokenType.CONTROL), int(TokenType.UNKNOWN))
    made.add_special_tokens(
        [
            AddedToken(token, normalized=False, special=True)
            for token, kind in listed
            if kind in special
        ]
    )
    made.add_tokens(
        [
            AddedToken(token, normalized=False)
            for token, kind in listed
            if kind == int(TokenType.USER_DEFINED)
        ]
    )


def _ends(vocabulary: Vocabulary, *, default_begin: bool) -> processors.PostProcessor | None:
    """Return what puts the begin and end tokens around a text, as far as the file wants them."""
    begin, end = vocabulary.number("bos_token_id"), vocabulary.number("eos_token_id")
    with_begin = vocabulary.flag("add_bos_token", default=default_begin) and begin is not None
    with_end = vocabulary.flag("add_eos_token", default=False) and end is not None
    around = [
        (vocabulary.tokens[token], token)
        for token, wanted in ((begin, with_begin), (end, with_end))
        if wanted and token is not None
    ]
    if not around:
        return None
    parts = ["$A"]
    if with_begin and begin is not None:
        parts.insert(0, vocabulary.tokens[begin])
    if with_end and end is not None:
        parts.append(vocabulary.tokens[end])
    return processors.TemplateProcessing(single=parts, special_tokens=around)


def _special_tokens(vocabulary: Vocabulary) -> dict[str, str]:
    numbers = {name: vocabulary.number(stored) for name, stored in _SPECIAL.items()}
    return {
        name: vocabulary.tokens[number] for name, number in numbers.items() if number is not None
    }
