"""What `app.rack` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "layers.phone_lacks": message("{phone} needs {size:bytes} more."),
}
ADVICE: Final[Mapping[str, Message]] = {}
