"""Opens what a model is imported from: a Hugging Face folder or an ONNX file."""

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
from app.models.exporting.process import exported
from app.models.families.interface import Family
from app.models.families.registry import decoder_name, family_of, is_known
from app.models.formats.checkpoint import Checkpoint
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
    """Open a folder or an `.onnx` file; a decoder that no family builds is exported first.

    `stage` is told what takes time. Raises `BadInputError` for what cannot be imported.
    """
    if path.suffix == ONNX_SUFFIX and path.is_file():
        yield _cut(OnnxCheckpoint(path))
        return
    exporting = _exporting(path)
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


def _exporting(path: Path) -> Fact | None:
    """Return how facts name a decoder that no family builds, or None for anything else."""
    file = path / CONFIGURATION_FILE
    if not file.is_file():
        return None
    configuration = Configuration.from_file(file)
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
