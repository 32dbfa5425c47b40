"""Summarising and translating, as something said to a language model: texts that can be edited."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from string import Template

from app.core.errors import BadInputError, reason_of
from app.core.tasks import Summarise, TaskKind, Translate

PRESETS_FILE = "presets.toml"
MAXIMUM_FILE_BYTES = 1 << 20
MAXIMUM_LANGUAGE_CHARACTERS = 60
_KINDS = (TaskKind.SUMMARISE, TaskKind.TRANSLATE)
_BLANKS = frozenset({"text", "language"})


@dataclass(frozen=True)
class Preset:
    """One task's texts, with `$text` and `$language` to be filled in.

    `message` is said to a model that can chat; `plain` is a text for any other to go on with.
    """

    message: str
    plain: str


@dataclass(frozen=True)
class Presets:
    """The texts of every task that is asked for in words."""

    presets: dict[TaskKind, Preset]

    @classmethod
    def read(cls, *paths: Path) -> Presets:
        """Read the first file that is there. Raises `BadInputError` where none can be used."""
        path = next((path for path in paths if path.is_file()), paths[-1])
        try:
            if path.stat().st_size > MAXIMUM_FILE_BYTES:
                raise BadInputError("presets.too_large", path=str(path))
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BadInputError(
                "presets.unreadable", path=str(path), reason=reason_of(error)
            ) from error
        return cls({kind: _preset(path, kind, content.get(kind.value)) for kind in _KINDS})

    def message(self, task: Summarise | Translate) -> str:
        """Return what to say to a model that can chat."""
        return _filled(self.presets[task.kind].message, task)

    def plain(self, task: Summarise | Translate) -> str:
        """Return a text whose continuation is the answer."""
        return _filled(self.presets[task.kind].plain, task)


def _preset(path: Path, kind: TaskKind, section: object) -> Preset:
    match section:
        case {"message": str(message), "plain": str(plain)}:
            for text in (message, plain):
                _check(path, kind, text)
            return Preset(message, plain)
    raise BadInputError("presets.task_lacking", path=str(path), task=kind)


def _check(path: Path, kind: TaskKind, text: str) -> None:
    template = Template(text)
    unknown = set(template.get_identifiers()) - _BLANKS
    if not template.is_valid() or unknown or "text" not in template.get_identifiers():
        raise BadInputError("presets.blanks_wrong", path=str(path), task=kind)


def _filled(text: str, task: Summarise | Translate) -> str:
    language = task.language.strip() if isinstance(task, Translate) else ""
    if isinstance(task, Translate) and not 0 < len(language) <= MAXIMUM_LANGUAGE_CHARACTERS:
        raise BadInputError("task.language_lacking")
    if not task.text.strip():
        raise BadInputError("task.text_lacking")
    return Template(text).substitute(text=task.text, language=language)
