"""What each task is called, what its field asks for and what its button says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from PySide6.QtCore import QCoreApplication

from app.core.tasks import TaskKind


@dataclass(frozen=True)
class TaskWords:
    """A task's name, the hint in the empty field, the button."""

    name: str
    hint: str
    button: str


def task_words(kind: TaskKind) -> TaskWords:
    """Return how a task is called."""
    tr = QCoreApplication.translate
    match kind:
        case TaskKind.GENERATE:
            return TaskWords(tr("Tasks", "Go on"), tr("Tasks", "Prompt"), tr("Tasks", "Generate"))
        case TaskKind.CHAT:
            return TaskWords(tr("Tasks", "Chat"), tr("Tasks", "Message"), tr("Tasks", "Send"))
        case TaskKind.SUMMARISE:
            return TaskWords(
                tr("Tasks", "Summarise"), tr("Tasks", "Text to summarise"), tr("Tasks", "Summarise")
            )
        case TaskKind.TRANSLATE:
            return TaskWords(
                tr("Tasks", "Translate"), tr("Tasks", "Text to translate"), tr("Tasks", "Translate")
            )
        case TaskKind.CLASSIFY:
            return TaskWords(
                tr("Tasks", "Classify"), tr("Tasks", "Text to classify"), tr("Tasks", "Classify")
            )
        case TaskKind.EMBED:
            return TaskWords(
                tr("Tasks", "Embed"), tr("Tasks", "Text to embed"), tr("Tasks", "Embed")
            )
        case _:
            assert_never(kind)
