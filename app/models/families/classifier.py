"""Decoders that score a text instead of going on with it: `*ForSequenceClassification`.

The head is one matrix without bias, read by the last token, which has seen all others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from app.models.configuration import Configuration
from app.models.families.interface import Dimensions, Family, HeadOutput, Part
from app.models.families.labels import classification

SCORES = "score.weight"


class Decoder(Protocol):
    """A decoder that can have another head."""

    @property
    def dimensions(self) -> Dimensions:
        """The model's sizes."""
        ...

    def answering(self, head: Part, answer: HeadOutput) -> Family:
        """Return the same decoder with another last matrix."""
        ...


def classifier(decoder: Callable[[Configuration], Decoder]) -> Callable[[Configuration], Family]:
    """Return how to make a classifier from how to make the decoder."""

    def make(configuration: Configuration) -> Family:
        answer, body = classification(configuration), decoder(configuration)
        shape = (len(answer.labels), body.dimensions.hidden_size)
        return body.answering(Part(SCORES, shape), answer)

    return make
