"""What `app.command_line` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural, plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "bench.source": message("`shardloom bench {name}`, {date}, {machine}."),
    "command.no_display": message("No display here, so this runs in the terminal: {command}"),
    "command.stopped": message("Stopped before it was done."),
    "command.wrong_usage": message("{command}: {problem}; see {command} --help"),
    "embed.answer": message("[{number}] {text}: {vector}"),
    "embed.vector": message("{count} numbers, length {length:.3f}: {first} ..."),
    "fault.released_from_jail": message("{phone} was jailed: released to be broken again."),
    "file.unwritable": message("{path} cannot be written: {reason}."),
    "ledger.broken_after": message("The ledger is not valid after entry {entry}: {problem}"),
    "ledger.none_here": message("There is no ledger at {path}."),
    "ledger.valid": plural(
        "The ledger is valid: {entries} entry replayed.",
        "The ledger is valid: {entries} entries replayed.",
        "entries",
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
    "model.graph": message(
        "{model}: {family}, {operations} operations, {edges} edges, {cut_points} cut points,"
        " {between_blocks} of them between blocks."
    ),
    "model.imported": message("{model}."),
    "model.imported_measured": message("{model}, {quality}."),
    "model.measured": message("{model}: {quality}."),
    "model.outline": plural(
        "{model}: {family}, {task}, {layers} layer, {quantization}, {weights:bytes} of weights",
        "{model}: {family}, {task}, {layers} layers, {quantization}, {weights:bytes} of weights",
        "layers",
    ),
    "model.quality": message("perplexity {perplexity} on {tokens} tokens of {text}"),
    "model.quality_changed": message(
        "perplexity {perplexity} ({original} as float32) on {tokens} tokens of {text}"
    ),
    "option.beyond": message("{text} is not from {least} to {most}"),
    "option.language_lacking": message(
        "Say which language to translate into, such as --language German."
    ),
    "option.language_without_translate": message("--language belongs to --task translate."),
    "option.negative_token_id": message("token ids are not negative"),
    "option.no_encoding": message("'{name}' is no text encoding"),
    "option.not_a_number": message("'{text}' is not a number"),
    "option.not_a_probability": message("{text} is not above 0 and at most 1"),
    "option.not_a_whole_number": message("'{text}' is not a whole number"),
    "option.not_above_zero": message("{text} is not above 0"),
    "option.not_finite": message("{text} is not finite"),
    "option.not_token_ids": message("'{text}' is not a list like 1,2,3"),
    "option.refused": message("{option}: {reason}"),
    "option.refused_file_instead": message("{option}: {reason}"),
    "option.system_without_chat": message("--system belongs to --chat."),
    "option.texts_count": message("Give 1 to {most} texts by --text, --text-file or --token-ids."),
    "option.words_needed": message(
        "Chats and tasks are asked for in words: give --prompt or --prompt-file."
    ),
    "output.closed": message("Standard output is closed: the result was not written."),
    "output.cut_short": message("The result was not written whole: {reason}."),
    "text_file.too_large": message("{path} is too large to be read as one text."),
    "text_file.unreadable": message("Cannot read the text {path}: {reason}."),
}
ADVICE: Final[Mapping[str, Message]] = {
    "option.refused_file_instead": message("Give it by --{instead}, with its --encoding."),
}
