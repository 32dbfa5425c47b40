"""Opens what a model is imported from: a Hugging Face folder or an ONNX file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.models.checkpoint import Checkpoint
from app.models.configuration import Configuration
from app.models.cutting.decoder import CutDecoder
from app.models.exporting.process import exported
from app.models.families.interface import Family
from app.models.families.registry import family_of, unknown_decoder
from app.models.model_folder import CONFIGURATION_FILE, ModelFolder
from app.models.onnx_checkpoint import ONNX_SUFFIX, OnnxCheckpoint


@dataclass(frozen=True)
class Source:
    """Weights and what computes with them; `skeleton` where that is the source's own graph."""

    folder: ModelFolder
    family: Family
    skeleton: bytes | None = None


@contextmanager
def open_source(path: Path, workspace: Path, stage: Callable[[str], None]) -> Iterator[Source]:
    """Open a folder or an `.onnx` file; an architecture that is not known here is exported first.

    `stage` is told what takes time. Raises `BadInputError` for what cannot be imported.
    """
    if path.suffix == ONNX_SUFFIX and path.is_file():
        yield _cut(OnnxCheckpoint(path))
        return
    architecture = _unknown_decoder(path)
    if architecture is None:
        checkpoint = Checkpoint(path)
        yield Source(checkpoint, family_of(checkpoint.configuration))
        return
    with exported(path, architecture, workspace, stage) as file:
        yield _cut(OnnxCheckpoint(file, path))


def _unknown_decoder(path: Path) -> str | None:
    configuration = path / CONFIGURATION_FILE
    if not configuration.is_file():
        return None
    return unknown_decoder(Configuration.from_file(configuration))


def _cut(checkpoint: OnnxCheckpoint) -> Source:
    family = CutDecoder(checkpoint.skeleton, checkpoint.configuration, checkpoint.tensors)
    return Source(checkpoint, family, checkpoint.skeleton.serialize())
