"""How texts are split before byte pairs are merged, by the name that a GGUF file gives the rule.

The expressions are those of the models' own `tokenizer.json`; the names are llama.cpp's
(`llama_vocab::impl::load` in its src/llama-vocab.cpp).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_LLAMA3 = rf"{_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}|{_REST}"
_QWEN2 = rf"{_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}|{_REST}"
_CASED = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+@"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*@"
)
_CASED_REST = r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_TEKKEN = _CASED.replace("@", "") + rf"|\p{{N}}|{_CASED_REST}"
_GPT4O = _CASED.replace("@", f"{_CONTRACTIONS}?") + rf"|\p{{N}}{{1,3}}|{_CASED_REST}"


@dataclass(frozen=True)
class Splitting:
    """Expressions that split a text one after the other, each piece kept.

    `whole_words` where a piece that is a token itself is not put together from merges; `composed`
    where the text is normalised to NFC first.
    """

    expressions: tuple[str, ...]
    whole_words: bool = False
    composed: bool = False


_DIGITS_APART = Splitting((r"\p{N}", _GPT2))
_LLAMA3_RULE = Splitting((_LLAMA3,), whole_words=True)
_QWEN2_RULE = Splitting((_QWEN2,), composed=True)
_GPT2_RULE = Splitting((_GPT2,))
SPLITTING: Mapping[str, Splitting] = {
    "default": _GPT2_RULE,
    "gpt-2": _GPT2_RULE,
    "phi-2": _GPT2_RULE,
    "mpt": _GPT2_RULE,
    "olmo": _GPT2_RULE,
    "llama3": _LLAMA3_RULE,
    "llama-v3": _LLAMA3_RULE,
    "llama-bpe": _LLAMA3_RULE,
    "falcon3": _LLAMA3_RULE,
    "pixtral": _LLAMA3_RULE,
    "smaug-bpe": Splitting((_LLAMA3,)),
    "qwen2": _QWEN2_RULE,
    "deepseek-r1-qwen": _QWEN2_RULE,
    "stablelm2": _QWEN2_RULE,
    "tekken": Splitting((_TEKKEN,), whole_words=True),
    "gpt-4o": Splitting((_GPT4O,)),
    "llama4": Splitting((_GPT4O,)),
    "smollm": _DIGITS_APART,
    "starcoder": _DIGITS_APART,
    "refact": _DIGITS_APART,
    "command-r": _DIGITS_APART,
    "exaone": _DIGITS_APART,
}
