"""Where a Hugging Face folder keeps its chat template and special tokens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from app.core.errors import BadInputError, reason_of
from app.models.chat.chat_template import ChatTemplate
from app.models.configuration import Configuration

TEMPLATE_FILE = "chat_template.jinja"
TEMPLATE_SETTINGS_FILE = "chat_template.json"
"""Where models that see had it for a while."""
TOKENIZER_SETTINGS_FILE = "tokenizer_config.json"
SPECIAL_TOKENS_FILE = "special_tokens_map.json"
MAXIMUM_TEMPLATE_BYTES = 1 << 20
_FIELD = "chat_template"
_DEFAULT_NAME = "default"
_SPECIAL_TOKENS = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")


def read_chat_template(folder: Path) -> ChatTemplate | None:
    """Return the folder's template, or None where it has none.

    A file of its own counts before the tokenizer's settings; of several by name, `default`.
    Raises `BadInputError` for a template that is too large, unreadable or not to be told apart.
    """
    settings = _settings(folder / TOKENIZER_SETTINGS_FILE)
    beside = _settings(folder / TEMPLATE_SETTINGS_FILE).get(_FIELD)
    source = (
        _from_file(folder / TEMPLATE_FILE)
        or _from_settings(beside)
        or _from_settings(settings.get(_FIELD))
    )
    if not source:
        return None
    tokens = {**_tokens(_settings(folder / SPECIAL_TOKENS_FILE)), **_tokens(settings)}
    return ChatTemplate(source, tokens)


def _settings(path: Path) -> Mapping[str, object]:
    return Configuration.from_file(path).values if path.is_file() else {}


def _from_file(path: Path) -> str | None:
    if not path.is_file():
        return None
    if path.stat().st_size > MAXIMUM_TEMPLATE_BYTES:
        raise BadInputError("chat_template.file_too_large", file=path.name)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(
            "chat_template.unreadable", file=path.name, reason=reason_of(error)
        ) from error


def _from_settings(value: object) -> str | None:
    match value:
        case None:
            return None
        case str():
            return _checked(value)
        case list():
            return _checked(_named(value))
    raise BadInputError("chat_template.not_a_text", file=TOKENIZER_SETTINGS_FILE)


def _named(entries: list[object]) -> str:
    """Return the default of templates listed as `{name, template}`, or the only one."""
    found: dict[str, str] = {}
    for entry in entries:
        match entry:
            case {"name": str(name), "template": str(template)}:
                found[name] = template
            case _:
                raise BadInputError("chat_template.list_malformed")
    if _DEFAULT_NAME in found:
        return found[_DEFAULT_NAME]
    if len(found) == 1:
        return next(iter(found.values()))
    if not found:
        raise BadInputError("chat_template.list_empty")
    raise BadInputError("chat_template.no_default", known=tuple(found))


def _checked(template: str) -> str:
    if len(template) > MAXIMUM_TEMPLATE_BYTES:
        raise BadInputError("chat_template.too_large")
    return template


def _tokens(settings: Mapping[str, object]) -> dict[str, str]:
    """Return the special tokens, which are texts or objects with a text inside."""
    tokens = {}
    for name in (f"{each}_token" for each in _SPECIAL_TOKENS):
        match settings.get(name):
            case str(text) | {"content": str(text)}:
                tokens[name] = text
    return tokens
