"""From the options of `run` to what the model is asked for."""

from __future__ import annotations

import argparse

from app.command_line.failures import WrongUsageError
from app.command_line.text_input import read_picture_file
from app.core.conversation import question
from app.core.tasks import Chat, Complete, Summarise, Task, TaskKind, Translate
from app.models.pictures.reading import check_count


def task_of(arguments: argparse.Namespace) -> Task:
    """Return the task: to go on with the prompt, where no other is named.

    Raises `WrongUsageError` for options that do not go together.
    """
    _check(arguments)
    pictures = tuple(map(read_picture_file, arguments.image))
    check_count(pictures)
    if arguments.chat:
        return Chat(question(arguments.prompt, arguments.system, pictures))
    if arguments.task == TaskKind.SUMMARISE:
        return Summarise(arguments.prompt)
    if arguments.task == TaskKind.TRANSLATE:
        return Translate(arguments.prompt, arguments.language)
    text = arguments.prompt if arguments.token_ids is None else arguments.token_ids
    return Complete(text, pictures=pictures)


def _check(arguments: argparse.Namespace) -> None:
    if (arguments.chat or arguments.task) and arguments.prompt is None:
        raise WrongUsageError("option.words_needed")
    if arguments.image and arguments.task:
        raise WrongUsageError("option.image_without_words")
    if arguments.system is not None and not arguments.chat:
        raise WrongUsageError("option.system_without_chat")
    translates = arguments.task == TaskKind.TRANSLATE
    if translates and not arguments.language:
        raise WrongUsageError("option.language_lacking")
    if arguments.language and not translates:
        raise WrongUsageError("option.language_without_translate")
