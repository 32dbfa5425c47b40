"""What `app.command_line` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "option.refused": message("{option}: {reason}"),
    "option.refused_file_instead": message("{option}: {reason}"),
    "serve.listening": message("Listening at {address}"),
    "serve.ready": message("Ready with {model}"),
    "text_file.too_large": message("{path} is too large to be read as one text."),
    "text_file.unreadable": message("Cannot read the text {path}: {reason}."),
}
ADVICE: Final[Mapping[str, Message]] = {
    "option.refused_file_instead": message("Give it by --{instead}, with its --encoding."),
}
