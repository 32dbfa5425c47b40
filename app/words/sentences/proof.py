"""What `app.proof` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "audit.honesty_does_not_pay": message(
        "No audit rate makes honesty pay: raise the slash or find better tests."
    ),
    "audit.not_run": message(
        "The audit of stage {stage} of {transaction} could not be run: {reason}."
    ),
    "audit.rate": message("An audit rate is a number from 0 to 1."),
    "audit.text_unchecked": message("The text could not be checked again: {reason}."),
}
ADVICE: Final[Mapping[str, Message]] = {}
