"""What `app.placement` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural, plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "placement.one_lacks": message("{model} needs {size:bytes} more memory on {phone}."),
    "placement.one_lacks_at_most": message(
        "{model} needs up to {size:bytes} more memory on {phone}."
    ),
    "placement.several_lack": plural(
        "{model} needs {size:bytes} more memory across {count} phone.",
        "{model} needs {size:bytes} more memory across {count} phones.",
    ),
    "placement.several_lack_at_most": plural(
        "{model} needs up to {size:bytes} more memory across {count} phone.",
        "{model} needs up to {size:bytes} more memory across {count} phones.",
    ),
}
ADVICE: Final[Mapping[str, Message]] = {}
