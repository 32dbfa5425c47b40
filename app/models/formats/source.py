"""Opens what a model is imported from: a Hugging Face folder, a GGUF or an ONNX file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
from app.models.formats.adapted_folder import AdaptedFolder
from app.models.formats.adapter import ADAPTER_FILE, Adapter
from app.models.formats.checkpoint import Checkpoint, has_weights
from app.models.formats.consolidated import (
    PARAMETERS_FILE,
    ConsolidatedCheckpoint,
    consolidated_configuration,
    is_consolidated,
)
from app.models.formats.gguf.checkpoint import GgufCheckpoint
from app.models.formats.gguf.header import GGUF_SUFFIX
from app.models.formats.model_folder import CONFIGURATION_FILE, ModelFolder
from app.models.formats.onnx_checkpoint import ONNX_SUFFIX, OnnxCheckpoint
from app.models.pictures.settings import with_picture_settings

_BASE_FIELD = "base_model_name_or_path"


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
def open_source(
    path: Path, workspace: Path, stage: Callable[[Fact], None], adapter: Path | None = None
) -> Iterator[Source]:
    """Open a folder, a `.gguf` or an `.onnx` file, with an adapter merged into it.

    A decoder in a folder that no family builds is exported first. `stage` is told what takes time.
    An adapter that lies beside weights is merged too. Raises `BadInputError` for what cannot be
    imported.
    """
    own = path if adapter is None and (path / ADAPTER_FILE).is_file() else adapter
    if own is None:
        with _opened(path, workspace, stage) as source:
            yield source
        return
    if own == path and not has_weights(path):
        base = str(Configuration.from_file(path / ADAPTER_FILE).values.get(_BASE_FIELD) or "?")
        raise BadInputError("adapter.without_base", folder=path.name, base=base[:100])
    stage(Fact("import.merging", adapter=own.name))
    read = Adapter.read(own)
    with _opened(path, workspace, stage) as source:
        yield _merged(source, read)


def _merged(source: Source, adapter: Adapter) -> Source:
    if source.skeleton is not None:
        raise BadInputError("adapter.not_exported", family=source.family.name)
    folder = AdaptedFolder(source.folder, adapter)
    plans = source.family.plans()
    folder.require_targets(
        part.name for plan in plans for weight in plan.weights for part in weight.parts
    )
    return replace(source, folder=folder)


@contextmanager
def _opened(path: Path, workspace: Path, stage: Callable[[Fact], None]) -> Iterator[Source]:
    if path.suffix == ONNX_SUFFIX and path.is_file():
        yield _cut(OnnxCheckpoint(path))
        return
    if path.suffix.lower() == GGUF_SUFFIX and path.is_file():
        gguf = GgufCheckpoint(path)
        yield Source(gguf, _family(gguf.configuration))
        return
    configuration = folder_configuration(path)
    exporting = _exporting(configuration) if configuration else None
    if exporting is None:
        checkpoint = ConsolidatedCheckpoint(path) if _is_consolidated(path) else Checkpoint(path)
        yield Source(checkpoint, _family(checkpoint.configuration))
        return
    with exported(path, exporting, workspace, stage) as file:
        yield _cut(OnnxCheckpoint(file, path))


def folder_configuration(folder: Path) -> Configuration | None:
    """Return a folder's `config.json`, or what `params.json` says in its place; None for neither.

    Raises `BadInputError` where it cannot be read.
    """
    if _is_consolidated(folder):
        return consolidated_configuration(folder / PARAMETERS_FILE)
    file = folder / CONFIGURATION_FILE
    return with_picture_settings(Configuration.from_file(file), folder) if file.is_file() else None


def _is_consolidated(folder: Path) -> bool:
    return is_consolidated(folder) and not has_weights(folder)


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
