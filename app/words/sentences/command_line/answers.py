"""What the commands of `app.command_line` answer with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural, plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "clean.not_cleaned": message("not cleaned. {reason}"),
    "clean.nothing_there": message("nothing of Shardloom was there."),
    "clean.phone": message("{phone}: {outcome}"),
    "clean.removed": plural(
        "{files} file ({size:bytes}) was removed.",
        "{files} files ({size:bytes}) were removed.",
        "files",
    ),
    "clean.removed_with_worker": plural(
        "its worker was ended and {files} file ({size:bytes}) was removed.",
        "its worker was ended and {files} files ({size:bytes}) were removed.",
        "files",
    ),
    "plan.no_answer": message("The planner gave no answer."),
    "embed.answer": message("[{number}] {text}: {vector}"),
    "embed.vector": message("{count} numbers, length {length:.3f}: {first} ..."),
    "fault.released_from_jail": message("{phone} was jailed: released to be broken again."),
    "file.unwritable": message("{path} cannot be written: {reason}."),
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
    "output.closed": message("Standard output is closed: the result was not written."),
    "output.cut_short": message("The result was not written whole: {reason}."),
}
ADVICE: Final[Mapping[str, Message]] = {}
