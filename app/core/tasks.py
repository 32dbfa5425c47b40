"""What a model can be asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from app.core.conversation import Conversation, Overflow
from app.core.model import ModelManifest, ModelTask


class TaskKind(StrEnum):
    """Kinds of request, by the names that front ends use."""

    GENERATE = "generate"
    CHAT = "chat"
    SUMMARISE = "summarise"
    TRANSLATE = "translate"
    CLASSIFY = "classify"
    EMBED = "embed"


@dataclass(frozen=True)
class Complete:
    """Go on with a text."""

    text: str | tuple[int, ...]
    """Or token ids, for a model without a tokenizer."""
    kind: TaskKind = TaskKind.GENERATE
    pictures: tuple[bytes, ...] = ()
    """Files, for a model that sees: where the text has its marks, else before it."""


@dataclass(frozen=True)
class Chat:
    """Answer the last message of a conversation."""

    conversation: Conversation
    overflow: Overflow = Overflow.REFUSE
    kind: TaskKind = TaskKind.CHAT


@dataclass(frozen=True)
class Summarise:
    """Say shortly what a text says."""

    text: str
    kind: TaskKind = TaskKind.SUMMARISE


@dataclass(frozen=True)
class Translate:
    """Say a text in another language, named as a person would name it."""

    text: str
    language: str
    kind: TaskKind = TaskKind.TRANSLATE


@dataclass(frozen=True)
class Classify:
    """Say which of the model's labels fit a text."""

    text: str | tuple[int, ...]
    """Or token ids, for a model without a tokenizer."""
    kind: TaskKind = TaskKind.CLASSIFY


@dataclass(frozen=True)
class Embed:
    """Turn a text into a vector that lies near those of similar texts."""

    text: str | tuple[int, ...]
    """Or token ids, for a model without a tokenizer."""
    kind: TaskKind = TaskKind.EMBED


Task = Complete | Chat | Summarise | Translate | Classify | Embed


def without_pictures(task: Task) -> Task:
    """Return a task as if no picture came with it."""
    match task:
        case Complete():
            return replace(task, pictures=())
        case Chat():
            said = tuple(replace(each, pictures=()) for each in task.conversation)
            return replace(task, conversation=said)
        case _:
            return task


def tasks_of(manifest: ModelManifest) -> tuple[TaskKind, ...]:
    """Return what a model can be asked for, the plainest first."""
    if manifest.task is ModelTask.CLASSIFICATION:
        return (TaskKind.CLASSIFY,)
    if manifest.task is ModelTask.EMBEDDING:
        return (TaskKind.EMBED,)
    if manifest.tokenizer is None:
        return (TaskKind.GENERATE,)
    chat = () if manifest.chat_template is None else (TaskKind.CHAT,)
    return (TaskKind.GENERATE, *chat, TaskKind.SUMMARISE, TaskKind.TRANSLATE)


@dataclass(frozen=True)
class LabelScore:
    """A label and how well it fits: a probability, or a plain number where the model regresses."""

    label: str
    score: float
