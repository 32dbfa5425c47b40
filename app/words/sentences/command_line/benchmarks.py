"""What `app.benchmarks` says, and of the machine that it measures on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural, plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "bench.entries_missing": plural("{count} entry is missing.", "{count} entries are missing."),
    "bench.ledger_wrong": message("The ledger that was measured is not right: {reason}."),
    "bench.no_figures": message("A request settled without figures."),
    "bench.source": message("`shardloom bench {name}`, {date}, {machine}."),
    "bench.tokens_differ": message(
        "The variants did not give the same tokens: the figures are void."
    ),
    "machine.processor_unknown": message("unknown processor"),
    "machine.sleeping_at_will": message(
        "{processor}, {cores} cores, {memory:bytes} of memory, load average {load:.1f} at the"
        " start, {system}, Python {python}, onnxruntime {onnxruntime}, processors sleep as they"
        " like during requests"
    ),
    "machine.sleeping_lightly": message(
        "{processor}, {cores} cores, {memory:bytes} of memory, load average {load:.1f} at the"
        " start, {system}, Python {python}, onnxruntime {onnxruntime}, processors sleep lightly"
        " during requests"
    ),
}
ADVICE: Final[Mapping[str, Message]] = {}
