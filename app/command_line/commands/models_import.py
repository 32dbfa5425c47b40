"""`shardloom models import`: weights, from here or from the hub, become a model of this home."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from app.command_line.commands.models_perplexity import measured_at_import, print_harm, quality_fact
from app.command_line.failures import complain
from app.command_line.options import rack_options
from app.command_line.output.json_progress import JsonProgress, tell
from app.command_line.output.model_forecast import tell_forecast
from app.command_line.output.terminal import print_fact, progress_console
from app.core.facts import Fact
from app.core.model import CACHE_FORMS, ModelManifest
from app.models.formats.adapter import adapter_settings
from app.models.importing.forecast import require_foreseen
from app.models.importing.importing import Progress as Told
from app.models.importing.notes import is_note
from app.models.library import Library
from app.models.quantization.block_wise import Quantization
from app.models.quantization.harm import harm_of
from app.models.sample_text import SampleText
from app.models.sources.finding import find_source
from app.models.sources.model_source import ModelSource
from app.models.sources.reference import parse_reference
from app.models.stored_model import Quality
from app.rack.home import Home
from app.words.catalogue import tr
from app.words.model_forecast import download_text
from app.words.sentences import fact_text
from workers.protocol.span_shape import RowForm


def execute(arguments: argparse.Namespace) -> int:
    """Tell what the model will need, download what lacks, import it and say what came of it."""
    Home(arguments.home).prepare()
    library = Library(arguments.home)
    quantization = Quantization.parse(arguments.quantize)
    cache_rows = CACHE_FORMS[arguments.cache]
    source = find_source(parse_reference(arguments.source))
    if source.note:
        complain(fact_text(source.note))
    name = arguments.name or _name(source, quantization, cache_rows)
    library.require_name(name)
    calibration = SampleText.read(arguments.calibrate) if arguments.calibrate else None
    if arguments.adapter:
        adapter_settings(arguments.adapter)
    _tell_need(source, name, quantization, arguments)
    path = _downloaded(source, arguments.json)
    notes: list[Fact] = []
    with _shown(arguments.json, BarColumn(), TimeRemainingColumn()) as show:
        manifest = library.import_folder(
            path,
            name,
            quantization,
            progress=_keeping(notes, show),
            calibration=calibration,
            adapter=arguments.adapter,
            cache_rows=cache_rows,
        )
    for note in notes:
        complain(fact_text(note))
    quality = measured_at_import(library, manifest, path, arguments.adapter)
    if arguments.json:
        harm = harm_of(manifest, quality)
        tell({"model": manifest.name, "harm": fact_text(harm) if harm else None})
        return 0
    print_fact(_summary(manifest, quality))
    print_harm(manifest, quality)
    return 0


def _keeping(notes: list[Fact], show: Told) -> Told:
    """Show how far an import is, and keep what it has to say besides."""

    def hear(stage: Fact, done: int, total: int) -> None:
        if is_note(stage):
            notes.append(stage)
        else:
            show(stage, done, total)

    return hear


def _name(source: ModelSource, quantization: Quantization, cache_rows: RowForm) -> str:
    """Return the model's own name, with its forms behind it where they are not the usual ones."""
    name = source.name if quantization is Quantization.F32 else f"{source.name}-{quantization}"
    return name if cache_rows is RowForm.F32 else f"{name}-cache-{cache_rows.word}"


def _tell_need(
    source: ModelSource, name: str, quantization: Quantization, arguments: argparse.Namespace
) -> None:
    """Say what the model will need where that is worth knowing: before a download, or if asked.

    Raises `BadInputError` where its cache cannot be kept as wanted.
    """
    cache_rows = CACHE_FORMS[arguments.cache]
    lacking = source.missing_bytes()
    configuration = source.configuration()
    if configuration is not None:
        require_foreseen(configuration, cache_rows)
    if configuration is not None and (lacking or arguments.rack):
        rack = rack_options(arguments) if arguments.rack else None
        tell_forecast(name, configuration, (quantization, cache_rows), rack)
    if lacking:
        complain(download_text(lacking))


def _downloaded(source: ModelSource, json: bool) -> Path:  # noqa: FBT001 - an option as given
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with _shown(json, *columns) as show:
        return source.fetch(
            lambda file, done, total: show(Fact("import.downloading", file=file), done, total)
        )


@contextmanager
def _shown(json: bool, *columns: ProgressColumn) -> Iterator[Told]:  # noqa: FBT001 - as given
    """Paint how far it is on a terminal for the length of a block, or tell it as JSON."""
    if json:
        yield JsonProgress()
        return
    console = progress_console()
    label = TextColumn("{task.description}")
    with Progress(label, *columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(tr("reading"), total=None)

        def show(stage: Fact, done: int, total: int) -> None:
            progress.update(task, description=fact_text(stage), completed=done, total=total)

        yield show


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
    return sum(blob.size_bytes for blob in manifest.blobs)
