"""What `app.ledger` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message
from app.words.sentences.plural import Plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {}
ADVICE: Final[Mapping[str, Message]] = {}
