"""Opens what a model is imported from: a Hugging Face folder, a GGUF or an ONNX file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.core.errors import BadInputError
from app.core.facts import Fact
from app.models.configuration import Configuration
from app.models.cutting.decoder import CutDecoder
from app.models.errors import UnusualModelError
from app.models.exporting.process import exported, require_exporter
from app.models.families.interface import Family
from app.models.families.registry import (
    decoder_name,
    family_of,
    is_known,
    refuse_unsupported,
)
from app.models.formats.checkpoint import Checkpoint
from app.models.formats.gguf.checkpoint import GgufCheckpoint
from app.models.formats.gguf.header import GGUF_SUFFIX
from app.models.formats.model_folder import CONFIGURATION_FILE, ModelFolder
from app.models.formats.onnx_checkpoint import ONNX_SUFFIX, OnnxCheckpoint


@dataclass(frozen=True)
class Source:
    """Weights and what computes with them.

    `skeleton` where that is the source's own graph, and `batches` where it may take several rows.
    """

    folder: ModelFolder
    family: Family
    skeleton: bytes | None = None
    batches: bytes | None = None


@contextmanager
def open_source(path: Path, workspace: Path, stage: Callable[[Fact], None]) -> Iterator[Source]:
    """Open a folder, a `.gguf` or an `.onnx` file.

    A decoder in a folder that no family builds is exported first. `stage` is told what takes time.
    Raises `BadInputError` for what cannot be imported.
    """
    if path.suffix == ONNX_SUFFIX and path.is_file():
        yield _cut(OnnxCheckpoint(path))
        return
    if path.suffix.lower() == GGUF_SUFFIX and path.is_file():
        gguf = GgufCheckpoint(path)
        yield Source(gguf, _family(gguf.configuration))
        return
    file = path / CONFIGURATION_FILE
    exporting = _exporting(Configuration.from_file(file)) if file.is_file() else None
    if exporting is None:
        checkpoint = Checkpoint(path)
        yield Source(checkpoint, _family(checkpoint.configuration))
        return
    with exported(path, exporting, workspace, stage) as file:
        yield _cut(OnnxCheckpoint(file, path))


def _family(configuration: Configuration) -> Family:
    try:
        return family_of(configuration)
    except UnusualModelError as error:
        raise BadInputError("checkpoint.not_exported", reason=error.fact) from error


def foreseen_family(configuration: Configuration) -> Family | None:
    """Return what an import would compute with; None for a decoder that is exported first.

    Raises `BadInputError` for what cannot be imported, and where packages to export are missing.
    """
    exporting = _exporting(configuration)
    if exporting is None:
        return _family(configuration)
    require_exporter(exporting)
    return None


def _exporting(configuration: Configuration) -> Fact | None:
    """Return how facts name a decoder that no family builds, or None for anything else."""
    refuse_unsupported(configuration)
    name = decoder_name(configuration)
    if name is None:
        return None
    if not is_known(configuration):
        return Fact("checkpoint.architecture", name=name)
    try:
        family_of(configuration)
    except UnusualModelError as error:
        return Fact("checkpoint.architecture_unusual", name=name, reason=error.fact)
    return None


def _cut(checkpoint: OnnxCheckpoint) -> Source:
    skeleton, batches = checkpoint.skeleton, checkpoint.batches
    family = CutDecoder(skeleton, checkpoint.configuration, checkpoint.tensors)
    batched = None if batches is None else batches.serialize()
    return Source(checkpoint, family, skeleton.serialize(), batched)
