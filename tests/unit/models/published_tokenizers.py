"""Small tokenizers of the forms in which models publish theirs, and the same as GGUF keeps them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf import TokenType
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from tests.unit.models.mixed_lines import mixed_lines

SPECIAL = ["<unk>", "<s>", "</s>"]
UNKNOWN = SPECIAL[0]
OWN = "<think>"
"""A token of the model's own: found whole in a text, but not special."""
# as in the tokenizer.json of Llama 3, Qwen2 and Mistral Nemo
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|"
    r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@dataclass(frozen=True)
class Published:
    """A tokenizer, and how a GGUF file names its kind, its rule and its model's architecture."""

    tokenizer: Tokenizer
    architecture: str
    kind: str
    rule: str
    begins: bool


def byte_level(
    rule: str, pre: pre_tokenizers.PreTokenizer, *, whole: bool = False, nfc: bool = False
) -> Published:
    made = Tokenizer(models.BPE(ignore_merges=whole))
    made.normalizer = normalizers.NFC() if nfc else None
    made.pre_tokenizer = pre
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trained(made, trainers.BpeTrainer(vocab_size=900, initial_alphabet=alphabet, **QUIET))
    finished(made, begins=whole)
    return Published(made, "llama", "gpt2", rule, begins=whole)


def split_by(expression: str) -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(expression), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def plain_bytes() -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


def digits_apart() -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), plain_bytes()])


def sentence_piece(architecture: str, *, prefixed: bool) -> Published:
    """Train BPE over words that begin with SentencePiece's mark, then number it as that does."""
    trained_one = Tokenizer(models.BPE(unk_token=UNKNOWN))
    trained_one.pre_tokenizer = pre_tokenizers.Metaspace()
    trained(trained_one, trainers.BpeTrainer(vocab_size=1500, **QUIET))
    vocabulary = json.loads(trained_one.to_str())["model"]
    merges = [tuple(pair) for pair in vocabulary["merges"]]
    made_of = ["".join(pair) for pair in merges]
    known = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *made_of]
    order = list(dict.fromkeys([*known, *vocabulary["vocab"]]))
    made = Tokenizer(
        models.BPE(
            {token: index for index, token in enumerate(order)},
            all_merges(order),
            unk_token=UNKNOWN,
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    spaces = normalizers.Replace(" ", "▁")
    made.normalizer = (
        normalizers.Sequence([normalizers.Prepend("▁"), spaces]) if prefixed else spaces
    )
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    made.decoder = decoders.Sequence([*steps, *([decoders.Strip(" ", 1, 0)] if prefixed else [])])
    if architecture.startswith("gemma"):
        made.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    finished(made, begins=True)
    return Published(made, architecture, "llama", "default", begins=True)


def all_merges(order: list[str]) -> list[tuple[str, str]]:
    """Return merges by the place of what they make, as transformers' SentencePieceExtractor."""
    places = {token: index for index, token in enumerate(order)}
    merges = []
    for token in order:
        pairs = [(token[:cut], token[cut:]) for cut in range(1, len(token))]
        known = [pair for pair in pairs if pair[0] in places and pair[1] in places]
        merges += sorted(known, key=lambda pair: (places[pair[0]], places[pair[1]]))
    return merges


TRAINING = mixed_lines(500, seed=5)
QUIET: dict[str, Any] = {"show_progress": False, "special_tokens": SPECIAL}


def trained(made: Tokenizer, trainer: trainers.Trainer) -> None:
    made.train_from_iterator(TRAINING, trainer)


def finished(made: Tokenizer, *, begins: bool) -> None:
    made.add_special_tokens([AddedToken(each, normalized=False, special=True) for each in SPECIAL])
    made.add_tokens([AddedToken(OWN, normalized=False)])
    if begins:
        made.post_processor = processors.TemplateProcessing(
            single=["<s>", "$A"], special_tokens=[("<s>", made.token_to_id("<s>"))]
        )


PUBLISHED: dict[str, Callable[[], Published]] = {
    "gpt-2": lambda: byte_level("gpt-2", plain_bytes()),
    "llama 3": lambda: byte_level("llama-bpe", split_by(LLAMA3), whole=True),
    "qwen2": lambda: byte_level("qwen2", split_by(QWEN2), nfc=True),
    "tekken": lambda: byte_level("tekken", split_by(TEKKEN), whole=True),
    "smollm": lambda: byte_level("smollm", digits_apart()),
    "llama 2": lambda: sentence_piece("llama", prefixed=True),
    "gemma": lambda: sentence_piece("gemma2", prefixed=False),
}


def write_vocabulary(file: Path, published: Published, template: str = "") -> Path:
    """Write a GGUF file that holds nothing but the tokenizer."""
    made = published.tokenizer
    vocabulary = made.get_vocab(with_added_tokens=True)
    tokens = sorted(vocabulary, key=lambda token: vocabulary[token])
    writer = gguf.GGUFWriter(file, published.architecture)
    writer.add_tokenizer_model(published.kind)
    writer.add_tokenizer_pre(published.rule)
    writer.add_token_list(tokens)
    writer.add_token_types([kind_of(token, published) for token in tokens])
    if published.kind == "llama":
        writer.add_token_scores([-float(place) for place in range(len(tokens))])
        writer.add_add_space_prefix(not published.architecture.startswith("gemma"))
    else:
        writer.add_token_merges(
            [" ".join(pair) for pair in json.loads(made.to_str())["model"]["merges"]]
        )
    for name, add in (
        ("<unk>", writer.add_unk_token_id),
        ("<s>", writer.add_bos_token_id),
        ("</s>", writer.add_eos_token_id),
    ):
        add(vocabulary[name])
    writer.add_add_bos_token(published.begins)
    if template:
        writer.add_chat_template(template)
    writer.add_tensor("token_embd.weight", np.zeros((len(tokens), 32), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def kind_of(token: str, published: Published) -> TokenType:
    if token == UNKNOWN:
        return TokenType.UNKNOWN if published.kind == "llama" else TokenType.CONTROL
    if token in SPECIAL:
        return TokenType.CONTROL
    if token == OWN:
        return TokenType.USER_DEFINED
    if published.kind == "llama" and token.startswith("<0x") and len(token) == 6:
        return TokenType.BYTE
    return TokenType.NORMAL
