"""What `app.ui` says of files that it writes and reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "file.not_written": message("{path} could not be written: {reason}."),
    "file.unknown_form": message("{path}: its name must end with one of {forms}."),
}
ADVICE: Final[Mapping[str, Message]] = {}
