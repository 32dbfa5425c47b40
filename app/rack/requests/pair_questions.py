"""What a model of two chains is asked: a text for its encoder, and how its decoder begins.

Such models were trained to translate or to summarise: T5 is told which in words, the models of
many languages by a token that the answer begins with, the others know nothing else.
"""

from __future__ import annotations

from typing import Final

from app.core.errors import BadInputError
from app.core.tasks import Complete, Summarise, Task, Translate
from app.rack.layers.opened_model import OpenedModel

SUMMARISE: Final = "summarize: {text}"
TRANSLATE: Final = "translate English to {language}: {text}"
"""As T5 was trained (Raffel et al. 2020, appendix D)."""
_TOLD_IN_WORDS: Final = "t5"
_OF_MANY_LANGUAGES: Final = ("m2m100", "mbart")
_LANGUAGE_FORMS: Final = ("{}", "__{}__")


def source_of(model: OpenedModel, task: Task) -> str | tuple[int, ...]:
    """Return what the encoder reads. Raises `BadInputError` for what cannot be asked."""
    told_in_words = model.manifest.family == _TOLD_IN_WORDS
    match task:
        case Complete(text):
            return text
        case Summarise(text):
            return SUMMARISE.format(text=text) if told_in_words else text
        case Translate(text, language):
            return TRANSLATE.format(text=text, language=language) if told_in_words else text
        case _:
            raise BadInputError("model.no_chat_template", model=model.manifest.name)


def beginning_of(model: OpenedModel, task: Task) -> tuple[int, ...]:
    """Return the tokens that the answer begins with.

    Raises `BadInputError` where a model of many languages does not know the one asked for.
    """
    manifest = model.manifest
    if not isinstance(task, Translate) or manifest.family not in _OF_MANY_LANGUAGES:
        return manifest.answer_begins_with
    tokenizer = model.require_tokenizer()
    for form in _LANGUAGE_FORMS:
        token = tokenizer.token_id(form.format(task.language))
        if token is not None:
            return (manifest.answer_begins_with[0], token)
    raise BadInputError("model.no_such_language", model=manifest.name, language=task.language)
