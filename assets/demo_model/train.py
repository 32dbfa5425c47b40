"""Train the demo language model on the King James Bible and write it in Hugging Face form.

Run by hand, never in CI: `python assets/demo_model/train.py --minutes 40 --text kjv.txt`, where
kjv.txt is what Debian's `bible -f Gen1:1-Rev22:21` prints. Needs torch, transformers, tokenizers.
"""

from __future__ import annotations

import argparse
import math
import re
import time
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

BEGIN, END = "<s>", "</s>"
CONTEXT_TOKENS = 256
BATCH_SEQUENCES = 8
PEAK_LEARNING_RATE = 3e-3
WARM_UP_FRACTION = 0.03
VERSE = re.compile(r"^(?P<chapter>\w+?\d+):\d+ (?P<text>.*)$")


def read_chapters(path: Path) -> list[str]:
    """Return the text of each chapter, one verse a line, without verse references."""
    chapters: dict[str, list[str]] = {}
    for line in path.read_text(encoding="latin-1").splitlines():
        match = VERSE.match(line)
        if match:
            chapters.setdefault(match["chapter"], []).append(match["text"].strip())
    return ["\n".join(verses) for verses in chapters.values()]


def train_tokenizer(chapters: list[str], vocabulary_size: int) -> Tokenizer:
    """Return a byte-level BPE tokenizer that puts the begin token before a text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        chapters,
        trainers.BpeTrainer(
            vocab_size=vocabulary_size,
            special_tokens=[BEGIN, END],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", special_tokens=[(BEGIN, tokenizer.token_to_id(BEGIN))]
    )
    return tokenizer


def encode(chapters: list[str], tokenizer: Tokenizer) -> np.ndarray:
    """Return all chapters as one token stream, each closed by the end token."""
    end = tokenizer.token_to_id(END)
    return np.concatenate(
        [np.array([*tokenizer.encode(chapter + "\n").ids, end]) for chapter in chapters]
    )


def bits_per_byte(
    model: LlamaForCausalLM, tokens: np.ndarray, text_bytes: int
) -> tuple[float, float]:
    """Return (bits per byte, perplexity per token) of held-out tokens."""
    model.eval()
    windows = torch.tensor(tokens[: len(tokens) // CONTEXT_TOKENS * CONTEXT_TOKENS]).view(
        -1, CONTEXT_TOKENS
    )
    with torch.no_grad():
        losses = [
            model(input_ids=batch, labels=batch).loss.item() * len(batch)
            for batch in windows.split(8)
        ]
    model.train()
    nats_per_token = sum(losses) / len(windows)
    return nats_per_token * len(tokens) / text_bytes / math.log(2), math.exp(nats_per_token)


def learning_rate(progress: float) -> float:
    """Warm up linearly, then fall along a cosine to a twentieth of the peak."""
    if progress < WARM_UP_FRACTION:
        return PEAK_LEARNING_RATE * progress / WARM_UP_FRACTION
    fraction = (progress - WARM_UP_FRACTION) / (1 - WARM_UP_FRACTION)
    return PEAK_LEARNING_RATE * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(fraction, 1.0))))


def train(model: LlamaForCausalLM, tokens: np.ndarray, seconds: float) -> None:
    """Train in place for the given wall time."""
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.95), weight_decay=0.1)
    random = np.random.default_rng(0)
    started = time.monotonic()
    step = 0
    while (progress := (time.monotonic() - started) / seconds) < 1:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(progress)
        starts = random.integers(0, len(tokens) - CONTEXT_TOKENS, BATCH_SEQUENCES)
        batch = torch.tensor(np.stack([tokens[s : s + CONTEXT_TOKENS] for s in starts]))
        loss = model(input_ids=batch, labels=batch).loss
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % 50 == 0:
            print(f"{progress:6.1%} step {step} loss {loss.item():.3f}", flush=True)


def main() -> None:
    """Train, measure and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(arguments.threads)
    chapters = read_chapters(arguments.text)
    held_out = chapters[::50]
    tokenizer = train_tokenizer(chapters, 2048)
    train_tokens = encode([c for i, c in enumerate(chapters) if i % 50], tokenizer)
    held_out_tokens = encode(held_out, tokenizer)
    config = LlamaConfig(
        vocab_size=2048,
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=8,
        num_attention_heads=6,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.token_to_id(BEGIN),
        eos_token_id=tokenizer.token_to_id(END),
    )
    model = LlamaForCausalLM(config)
    print(f"{model.num_parameters()} parameters, {len(train_tokens)} tokens", flush=True)
    train(model, train_tokens, arguments.minutes * 60)
    text_bytes = sum(len(c.encode()) + 1 for c in held_out)
    print(
        "held out: {:.3f} bits/byte, perplexity {:.2f}".format(
            *bits_per_byte(model, held_out_tokens, text_bytes)
        )
    )
    model.to(torch.bfloat16).save_pretrained(arguments.out)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=BEGIN, eos_token=END
    ).save_pretrained(arguments.out)


if __name__ == "__main__":
    main()
