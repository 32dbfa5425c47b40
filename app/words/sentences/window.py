"""What `app.ui` says of files that it writes and reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "file.not_written": message("{path} could not be written: {reason}."),
    "file.unknown_form": message("{path}: its name must end with one of {forms}."),
    "preset.name_taken": message("There is a preset called {name} already."),
    "preset.no_name": message("A preset needs a name."),
    "preset.stops_too_long": message("The stops of a preset have at most {most:,} letters."),
    "preset.too_many": message("There are {most} presets of your own, and no room for more."),
    "talks.not_kept": message("Texts and conversations could not be kept: {reason}."),
    "talks.put_aside": message(
        "Not all texts and conversations of earlier runs could be read. Their file was put aside as"
        " {path}; what could be read is in a new one."
    ),
    "talks.unreadable": message(
        "Texts and conversations of earlier runs could not be read from {path}: {reason}. It is"
        " left as it is, and nothing is kept in this run."
    ),
}
ADVICE: Final[Mapping[str, Message]] = {
    "preset.name_taken": message("Choose another name, or delete that one first."),
    "preset.too_many": message("Delete one that is not needed."),
}
