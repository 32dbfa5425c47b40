"""What `app.core` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "assignment.last_phone": message(
        "The last phone cannot be freed: somebody must hold the layers."
    ),
    "assignment.layer_not_held_once": message("Layer {layer} is not held by exactly one phone."),
    "assignment.layer_of_chain_not_held_once": message(
        "Layer {layer} of the {chain} is not held by exactly one phone."
    ),
    "assignment.phone_twice": message("A phone can hold only one contiguous span of layers."),
    "assignment.span_of_one_layer": message("That span has one layer only: it cannot be divided."),
    "chains.not_of_a_model": message("A model has 1 to {most} chains, each once."),
    "chains.wrong_length": message("The {chain} does not have 1 to {most} layers."),
    "text.byte_not_utf8": message(
        "The text is not UTF-8: byte {byte} at character {position}, {shown}."
    ),
    "text.half_surrogate": message(
        "The text is not UTF-8: {half} at character {position}, {shown}."
    ),
}
ADVICE: Final[Mapping[str, Message]] = {}
