"""`shardloom models import`: a checkpoint folder or an ONNX file becomes a model of this home."""

from __future__ import annotations

import argparse

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from app.command_line.commands.models_perplexity import measured_at_import, print_harm, quality_fact
from app.command_line.output.terminal import print_fact, progress_console
from app.core.facts import Fact
from app.core.model import ModelManifest
from app.models.library import Library
from app.models.stored_model import Quality
from app.rack.home import Home
from app.words.catalogue import tr
from app.words.sentences import fact_text


def execute(arguments: argparse.Namespace) -> int:
    """Import the folder block by block and say what came of it."""
    Home(arguments.home).prepare()
    library = Library(arguments.home)
    console = progress_console()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(tr("reading"), total=None)

        def show(stage: Fact, done: int, total: int) -> None:
            progress.update(task, description=fact_text(stage), completed=done, total=total)

        manifest = library.import_folder(
            arguments.path, arguments.name, arguments.quantize, progress=show
        )
    quality = measured_at_import(library, manifest, arguments.path)
    print_fact(_summary(manifest, quality))
    print_harm(manifest, quality)
    return 0


def _summary(manifest: ModelManifest, quality: Quality | None) -> Fact:
    model = Fact(
        "model.outline",
        model=manifest.name,
        family=manifest.family,
        task=manifest.task.value,
        layers=manifest.layer_count,
        quantization=manifest.quantization,
        weights=weight_bytes(manifest),
    )
    if quality is None:
        return Fact("model.imported", model=model)
    return Fact("model.imported_measured", model=model, quality=quality_fact(quality))


def weight_bytes(manifest: ModelManifest) -> int:
    """Return the size of a model's distinct weight files."""
    blobs = manifest.blobs_of(0, manifest.layer_count - 1)
    return sum(blob.size_bytes for blob in blobs)
