"""What a model does and what it is asked to do, within a sentence."""

from __future__ import annotations

from typing import assert_never

from app.core.model import ModelTask
from app.core.tasks import TaskKind
from app.words.catalogue import tr


def ability_words(task: ModelTask) -> str:
    """Return what a model does that was made for a task."""
    match task:
        case ModelTask.GENERATION:
            return tr("writes texts")
        case ModelTask.CLASSIFICATION:
            return tr("sorts texts by label")
        case ModelTask.EMBEDDING:
            return tr("turns texts into vectors")
        case _:
            assert_never(task)


def task_verb(kind: TaskKind) -> str:
    """Return what a request asks a model to do."""
    match kind:
        case TaskKind.GENERATE:
            return tr("generate")
        case TaskKind.CHAT:
            return tr("chat")
        case TaskKind.SUMMARISE:
            return tr("summarise")
        case TaskKind.TRANSLATE:
            return tr("translate")
        case TaskKind.CLASSIFY:
            return tr("classify")
        case TaskKind.EMBED:
            return tr("embed")
        case _:
            assert_never(kind)
