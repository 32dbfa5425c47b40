"""What `app.command_line` says of what it was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "command.no_display": message("No display here, so this runs in the terminal: {command}"),
    "command.stopped": message("Stopped before it was done."),
    "command.wrong_usage": message("{command}: {problem}; see {command} --help"),
    "option.beyond": message("{text} is not from {least} to {most}"),
    "option.entries_without_ledger": message("--entries belongs to bench ledger."),
    "option.language_lacking": message(
        "Say which language to translate into, such as --language German."
    ),
    "option.image_without_words": message("--image goes with a prompt or --chat, not with --task."),
    "option.language_without_translate": message("--language belongs to --task translate."),
    "option.negative_token_id": message("token ids are not negative"),
    "option.no_encoding": message("'{name}' is no text encoding"),
    "option.not_a_number": message("'{text}' is not a number"),
    "option.not_a_probability": message("{text} is not above 0 and at most 1"),
    "option.not_a_whole_number": message("'{text}' is not a whole number"),
    "option.not_above_zero": message("{text} is not above 0"),
    "option.below_zero": message("{text} is below 0"),
    "option.not_finite": message("{text} is not finite"),
    "option.not_a_memory_share": message(
        "{text} is not PHONE=SHARE with a number above 0 and at most {most:.0f}"
    ),
    "option.not_a_share": message("{text} is not a number from 0 to 1"),
    "option.not_a_percentage": message("{text} is not a whole number from 0 to 100"),
    "option.not_degrees": message("{text} is not a number of degrees from {least:g} to {most:g}"),
    "option.not_seconds": message("{text} is no number of seconds, 0 or more"),
    "option.not_token_ids": message("'{text}' is not a list like 1,2,3"),
    "option.refused": message("{option}: {reason}"),
    "option.refused_file_instead": message("{option}: {reason}"),
    "option.system_without_chat": message("--system belongs to --chat."),
    "option.texts_count": message("Give 1 to {most} texts by --text, --text-file or --token-ids."),
    "option.words_needed": message(
        "Chats and tasks are asked for in words: give --prompt or --prompt-file."
    ),
    "text_file.too_large": message("{path} is too large to be read as one text."),
    "text_file.unreadable": message("Cannot read the text {path}: {reason}."),
    "trace.not_written": message("Cannot write the trace {path}: {reason}."),
    "standby.no_rack": message("No rack is open on {home}: phones stand by in an open one."),
    "standby.several": message("Several phones are called {name}."),
    "standby.stands_by": message("{phones} stand by: kept ready, without layers."),
    "standby.taken_up": message("{phones} may hold layers again."),
    "standby.unknown": message("The rack has no phone {name}."),
    "window.options_left": message(
        "What {options} ask for needs a new window: this one has the rack {rack} open."
    ),
    "window.silent": message("The window that is open on {home} does not answer."),
    "window.taken": message("Another window was opened on {home} meanwhile."),
    "window.raised": message("Shardloom is open on {home} already: its window comes to the front."),
}
ADVICE: Final[Mapping[str, Message]] = {
    "standby.no_rack": message("Open one, in the window or with `shardloom serve`."),
    "standby.several": message("Give the serial number of one; `shardloom devices` lists them."),
    "standby.unknown": message("`shardloom devices` lists the phones there are."),
    "window.options_left": message("Close it, and start again."),
    "window.silent": message("Wait for it, or end its process."),
    "option.refused_file_instead": message("Give it by --{instead}, with its --encoding."),
}
