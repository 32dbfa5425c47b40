"""Which of a repository's files an import needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.core.errors import BadInputError
from app.core.facts import Fact
from app.models.chat.chat_source import (
    SPECIAL_TOKENS_FILE,
    TEMPLATE_FILE,
    TEMPLATE_SETTINGS_FILE,
    TOKENIZER_SETTINGS_FILE,
)
from app.models.formats.checkpoint import INDEX_FILE, WEIGHTS_FILE
from app.models.formats.gguf.header import GGUF_SUFFIX
from app.models.formats.model_folder import CONFIGURATION_FILE, GENERATION_FILE
from app.models.formats.vocabularies.finding import TOKENIZER_FILES
from app.models.pictures.settings import PICTURE_FILES
from app.models.sentence_settings import (
    DENSE_FILE,
    MODULES_FILE,
    POOLING_FILE,
    SETTINGS_FILE,
)
from app.models.sources.reference import HubReference

MAXIMUM_FILES = 100_000
NAMED = 8
"""Files that a message names at most."""
_BESIDE_WEIGHTS = frozenset(
    {
        CONFIGURATION_FILE,
        GENERATION_FILE,
        *TOKENIZER_FILES,
        TOKENIZER_SETTINGS_FILE,
        SPECIAL_TOKENS_FILE,
        TEMPLATE_FILE,
        TEMPLATE_SETTINGS_FILE,
        *PICTURE_FILES,
        MODULES_FILE,
        SETTINGS_FILE,
    }
)
_READ_FIRST = (CONFIGURATION_FILE, INDEX_FILE, *PICTURE_FILES)
_STEP_FILES = re.compile(rf"\d+_[^/]+/({re.escape(POOLING_FILE)}|{re.escape(DENSE_FILE)})")


@dataclass(frozen=True)
class HubFile:
    """A file as the hub lists it; the digests are None where it tells none.

    `sha256` is that of large files, `git_sha1` that of git's blob (of the pointer, for large ones).
    """

    name: str
    size_bytes: int
    sha256: str | None = None
    git_sha1: str | None = None


def settings_of(files: Sequence[HubFile]) -> tuple[HubFile, ...]:
    """Return what is read before a checkpoint's weights: its settings and their index."""
    return tuple(file for file in files if file.name in _READ_FIRST)


def checkpoint_files(files: Sequence[HubFile], weights: Iterable[str]) -> tuple[HubFile, ...]:
    """Return a checkpoint's files: its weights and what the import reads beside them.

    Raises `BadInputError` where weights are named that the repository lacks.
    """
    by_name = {file.name: file for file in files}
    lacking = sorted(set(weights) - by_name.keys())
    if lacking:
        raise BadInputError("hub.index_names_missing", file=lacking[0])
    beside = [file for file in files if _is_beside(file.name)]
    return (*beside, *(by_name[name] for name in sorted(set(weights))))


def single_file(files: Sequence[HubFile], reference: HubReference) -> HubFile | None:
    """Return the one GGUF file that is asked for, or None where the checkpoint is.

    It is asked for by its name or a part of it, or as the only one of a repository without other
    weights. Raises `BadInputError` where several could be meant, or nothing can be read.
    """
    ggufs = [file for file in files if file.name.lower().endswith(GGUF_SUFFIX)]
    if reference.file:
        return _named(ggufs, reference)
    if has_checkpoint(files):
        return None
    if len(ggufs) == 1:
        return ggufs[0]
    if ggufs:
        example = f"{reference.repository}:{_shortest(ggufs).name}"
        raise _choose("hub.several_files", ggufs, model=str(reference), example=example)
    raise _without_weights(files, reference)


def has_checkpoint(files: Iterable[HubFile]) -> bool:
    """Return whether there are weights in the form that a folder's import reads."""
    return any(file.name in (WEIGHTS_FILE, INDEX_FILE) for file in files)


def _named(ggufs: Sequence[HubFile], reference: HubReference) -> HubFile:
    wanted = reference.file.lower()
    exactly = [file for file in ggufs if file.name.lower() == wanted]
    within = [file for file in ggufs if wanted.removesuffix(GGUF_SUFFIX) in file.name.lower()]
    found = exactly or within
    if len(found) == 1:
        return found[0]
    if found:
        raise _choose("hub.many_of_that_name", found, model=str(reference))
    if not ggufs:
        raise BadInputError("hub.no_gguf", model=reference.repository, file=reference.file)
    raise _choose("hub.no_such_file", ggufs, model=reference.repository, file=reference.file)


def _choose(code: str, files: Sequence[HubFile], **fields: str) -> BadInputError:
    """Return an error that names the files there are, the first few of many."""
    named = tuple(Fact("hub.file", file=file.name, size=file.size_bytes) for file in files[:NAMED])
    more = (Fact("hub.more_files", count=len(files) - NAMED),) if len(files) > NAMED else ()
    return BadInputError(code, files=named + more, **fields)


def _shortest(files: Sequence[HubFile]) -> HubFile:
    return min(files, key=lambda file: (len(file.name), file.name))


def _without_weights(files: Sequence[HubFile], reference: HubReference) -> BadInputError:
    names = {file.name for file in files}
    if "adapter_config.json" in names:
        return BadInputError("hub.adapter", model=str(reference))
    others = [name for name in sorted(names) if name.endswith((".bin", ".pt", ".pth", ".onnx"))]
    if others:
        return BadInputError("hub.other_weights", model=str(reference), file=others[0])
    return BadInputError("hub.no_weights", model=str(reference), wanted=WEIGHTS_FILE)


def _is_beside(name: str) -> bool:
    return name in _BESIDE_WEIGHTS or _STEP_FILES.fullmatch(name) is not None
