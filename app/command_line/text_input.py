"""Texts given on the command line or in files, checked before a rack is opened for them."""

from __future__ import annotations

import argparse
import codecs
from pathlib import Path
from typing import cast

from app.core.conversation import MOST_PICTURE_BYTES
from app.core.errors import BadInputError, reason_of
from app.core.facts import Fact
from app.models.formats.plain_text import plain_text
from app.models.pictures.reading import read_picture
from app.words.sentences import sentence

MAXIMUM_TEXT_BYTES = 1 << 20
DEFAULT_ENCODING = "utf-8"
_FILES = {"prompt": "prompt-file", "text": "text-file"}
_MAY_NAME_FILES = frozenset({"rack"})


def refuse_undecodable(arguments: argparse.Namespace) -> None:
    """Raise `BadInputError` for an option or argument that is not UTF-8; file names may be so."""
    for name, value in vars(arguments).items():
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str) and name not in _MAY_NAME_FILES:
                _refuse_undecodable(name, text)


def _refuse_undecodable(name: str, text: str) -> None:
    try:
        plain_text(text)
    except BadInputError as error:
        told = {"option": name, "reason": reason_of(error)}
        if name in _FILES:
            raise BadInputError(
                "option.refused_file_instead", instead=_FILES[name], **told
            ) from None
        raise BadInputError("option.refused", **told) from None


def prompt_of(arguments: argparse.Namespace) -> str | None:
    """Return the prompt in words, from its option or its file; None where ids are given."""
    if arguments.prompt_file is None:
        return cast("str | None", arguments.prompt)
    return read_text(arguments.prompt_file, arguments.encoding)


def read_text(path: Path, encoding: str) -> str:
    """Return a file's text. Raises `BadInputError` where it is too large or encoded otherwise."""
    try:
        with path.open("rb") as file:
            content = file.read(MAXIMUM_TEXT_BYTES + 1)
        if len(content) > MAXIMUM_TEXT_BYTES:
            raise BadInputError("text_file.too_large", path=str(path))
        return plain_text(content.decode(encoding))
    except (OSError, UnicodeError) as error:
        raise BadInputError(
            "text_file.unreadable", path=str(path), reason=reason_of(error)
        ) from error


def read_picture_file(path: Path) -> bytes:
    """Return a picture's file. Raises `BadInputError` where it cannot be read or is no picture."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_PICTURE_BYTES + 1)
    except OSError as error:
        raise BadInputError(
            "picture.unreadable", path=str(path), reason=reason_of(error)
        ) from error
    try:
        read_picture(content)
    except BadInputError as error:
        raise BadInputError(
            "picture.unusable_file", name=str(path), reason=reason_of(error)
        ) from error
    return content


def encoding(name: str) -> str:
    """Return the name of a text encoding that Python knows, for argparse."""
    try:
        "".encode(name)
    except LookupError:
        raise argparse.ArgumentTypeError(sentence(Fact("option.no_encoding", name=name))) from None
    return codecs.lookup(name).name
