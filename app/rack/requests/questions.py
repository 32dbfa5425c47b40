"""From what a person asks for to the tokens that are fed to the model."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import assert_never

from app.core.conversation import Conversation, Overflow, question
from app.core.errors import BadInputError
from app.core.facts import Fact
from app.core.model import ModelTask
from app.core.tasks import Chat, Classify, Complete, Embed, Summarise, Task, TaskKind, Translate
from app.models.chat.presets import Presets
from app.models.pictures.prompts import with_marks
from app.models.pictures.reading import check_count
from app.models.pictures.seen import SeenPictures, see
from app.proof.records.picture_text import PictureText
from app.rack.layers.opened_model import OpenedModel
from app.rack.requests.pair_questions import beginning_of, source_of
from app.rack.requests.shortening import shortened
from workers.protocol.wire import Tensor


@dataclass(frozen=True)
class Question:
    """What a request starts from.

    `shown` is what front ends show of it; `note` tells what was done otherwise than asked.
    """

    kind: TaskKind
    shown: str
    tokens: tuple[int, ...]
    note: Fact | None = None
    end_tokens: frozenset[int] = frozenset()
    """Tokens that end the answer besides the model's own."""
    text: str = ""
    """What became these tokens, a chat's marks included; empty where tokens were given."""
    rendered: bool = False
    """Whether that has its special tokens already."""

    source_tokens: int = 0
    """How many of the first tokens an encoder reads before a decoder; 0 of one chain."""
    pictures: tuple[PictureText, ...] = ()
    """What is said of the pictures that came with it, for phones to sign."""
    pixels: Mapping[int, Tensor] = field(default_factory=dict)
    """What is sent in place of some tokens, by the position of the first."""

    @property
    def wants_vector(self) -> bool:
        """Whether the answer is a vector instead of a text."""
        return needed_for(self.kind) is not ModelTask.GENERATION


def task_question(
    model: OpenedModel, task: Task, presets: Sequence[Path], most_tokens: int | None = None
) -> Question:
    """Return what a task comes to. Raises `BadInputError` for what the model cannot do.

    `presets` are the files that may hold the presets' texts; the first that is there counts. A
    conversation that is to be shortened has `most_tokens` then, where its last turn allows.
    """
    require_ability(model, task.kind)
    if model.manifest.paired:
        _check_unseen(model, task)
        return _of_pair(model, task)
    match task:
        case Complete(text):
            return _completed(model, task)
        case Chat(conversation, Overflow.SHORTEN) if most_tokens is not None:
            return _said(model, conversation, task.kind, most_tokens)
        case Chat(conversation):
            return _said(model, conversation, task.kind)
        case Summarise() | Translate():
            return _preset(model, task, Presets.read(*presets))
        case Classify(text) | Embed(text):
            tokens = _trimmed(model, _tokens(model, text))
            return Question(task.kind, _shown(text), tokens, text=_text(text))
        case _:
            assert_never(task)


def _completed(model: OpenedModel, task: Complete) -> Question:
    seen, text, shown = see(model.manifest, task.pictures), task.text, _shown(task.text)
    if isinstance(text, str):
        if task.pictures and model.manifest.eyes is not None:
            text = with_marks(text, len(task.pictures), model.manifest.eyes)
        text = seen.spelled_out(text)
    question = Question(task.kind, shown, _tokens(model, text), text=_text(text))
    return _with_pictures(question, seen)


def _with_pictures(question: Question, seen: SeenPictures) -> Question:
    """Return a question with what stands for its pictures. Raises `BadInputError`."""
    places = list(seen.placed(question.tokens))
    told, next_square = [], iter(places)
    for file, squares in zip(seen.files, seen.squares, strict=True):
        told.append(PictureText.of(file, list(islice(next_square, len(squares.rows)))))
    return replace(question, pictures=tuple(told), pixels=dict(places))


def _check_unseen(model: OpenedModel, task: Task) -> None:
    """Raise `BadInputError` for pictures that the model could not take."""
    pictures = task.pictures if isinstance(task, Complete) else ()
    said = task.conversation if isinstance(task, Chat) else ()
    if pictures or any(each.pictures for each in said):
        raise BadInputError("model.sees_nothing", model=model.manifest.name)


def _of_pair(model: OpenedModel, task: Task) -> Question:
    source, beginning = source_of(model, task), beginning_of(model, task)
    tokens = _tokens(model, source)
    if not tokens:
        raise BadInputError("request.nothing_said")
    text = _text(source)
    shown = task.text if isinstance(task, Summarise | Translate) else _shown(source)
    return Question(task.kind, shown, (*tokens, *beginning), text=text, source_tokens=len(tokens))


def needed_for(kind: TaskKind) -> ModelTask:
    """Return what a model has to be made for."""
    match kind:
        case TaskKind.CLASSIFY:
            return ModelTask.CLASSIFICATION
        case TaskKind.EMBED:
            return ModelTask.EMBEDDING
        case TaskKind.GENERATE | TaskKind.CHAT | TaskKind.SUMMARISE | TaskKind.TRANSLATE:
            return ModelTask.GENERATION
        case _:
            assert_never(kind)


def require_ability(model: OpenedModel, kind: TaskKind) -> None:
    """Raise `BadInputError` where a model of another kind is needed."""
    task = model.manifest.task
    if task is not needed_for(kind):
        raise BadInputError("model.cannot", model=model.manifest.name, ability=task, task=kind)


def _said(
    model: OpenedModel, conversation: Conversation, kind: TaskKind, most_tokens: int = sys.maxsize
) -> Question:
    if not conversation:
        raise BadInputError("request.nothing_said")
    if model.chat_template is None:
        raise BadInputError("model.no_chat_template", model=model.manifest.name)
    tokenizer, template = model.require_tokenizer(), model.chat_template
    check_count(tuple(file for each in conversation for file in each.pictures))
    seen = {each: see(model.manifest, each.pictures) for each in conversation}

    def rendered(said: Conversation) -> str:
        text = template.render(said, in_parts=model.manifest.eyes is not None)
        return _joined(model, [seen[each] for each in said]).spelled_out(text)

    def encode(said: Conversation) -> tuple[int, ...]:
        return tuple(tokenizer.encode_rendered(rendered(said)))

    def length(text: str) -> int:
        return len(tokenizer.encode(text))

    left = shortened(conversation, encode, length, most_tokens)
    out = left.turns_left_out
    end = tokenizer.token_id(template.special_tokens.get("eos_token", ""))
    question = Question(
        kind,
        conversation[-1].text,
        left.tokens,
        note=Fact("request.turns_left_out", count=out) if out else None,
        end_tokens=frozenset() if end is None else frozenset({end}),
        text=rendered(left.conversation),
        rendered=True,
    )
    return _with_pictures(question, _joined(model, [seen[each] for each in left.conversation]))


def _joined(model: OpenedModel, pictures: Sequence[SeenPictures]) -> SeenPictures:
    """Return the pictures of several messages as one."""
    files = tuple(file for each in pictures for file in each.files)
    squares = tuple(square for each in pictures for square in each.squares)
    return SeenPictures(model.manifest, files, squares)


def _preset(model: OpenedModel, task: Summarise | Translate, presets: Presets) -> Question:
    if model.chat_template is not None:
        said = _said(model, question(presets.message(task)), task.kind)
        return replace(said, shown=task.text)
    text = presets.plain(task)
    note = Fact("request.without_chat_template", model=model.manifest.name)
    return Question(task.kind, task.text, _tokens(model, text), note, text=text)


def _tokens(model: OpenedModel, text: str | tuple[int, ...]) -> tuple[int, ...]:
    if not isinstance(text, str):
        return text
    return tuple(model.require_tokenizer().encode(text))


def _trimmed(model: OpenedModel, tokens: tuple[int, ...]) -> tuple[int, ...]:
    """Return the tokens without padding at the end: the last real one is scored."""
    end = len(tokens)
    while end > 1 and tokens[end - 1] == model.manifest.pad_token:
        end -= 1
    return tokens[:end]


def _shown(text: str | tuple[int, ...]) -> str:
    return text if isinstance(text, str) else " ".join(map(str, text))


def _text(text: str | tuple[int, ...]) -> str:
    return text if isinstance(text, str) else ""
