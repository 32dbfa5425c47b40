"""What each task is called, what its field asks for and what its button says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from app.core.tasks import TaskKind
from app.words.catalogue import tr


@dataclass(frozen=True)
class TaskWords:
    """A task's name, the hint in the empty field, the button."""

    name: str
    hint: str
    button: str


def task_words(kind: TaskKind) -> TaskWords:
    """Return how a task is called."""
    match kind:
        case TaskKind.GENERATE:
            return TaskWords(tr("Go on"), tr("Prompt"), tr("Generate"))
        case TaskKind.CHAT:
            return TaskWords(tr("Chat"), tr("Message"), tr("Send"))
        case TaskKind.SUMMARISE:
            return TaskWords(tr("Summarise"), tr("Text to summarise"), tr("Summarise"))
        case TaskKind.TRANSLATE:
            return TaskWords(tr("Translate"), tr("Text to translate"), tr("Translate"))
        case TaskKind.CLASSIFY:
            return TaskWords(tr("Classify"), tr("Text to classify"), tr("Classify"))
        case TaskKind.EMBED:
            return TaskWords(tr("Embed"), tr("Text to embed"), tr("Embed"))
        case _:
            assert_never(kind)
