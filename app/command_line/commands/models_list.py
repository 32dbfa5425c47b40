"""`shardloom models list`: the imported models, the demo among them."""

from __future__ import annotations

import argparse
from typing import Final

from app.command_line.commands.models_import import weight_bytes
from app.command_line.commands.models_perplexity import print_harm
from app.command_line.failures import complain
from app.command_line.output.terminal import print_json, print_table, right, translated
from app.core.assets import ASSETS
from app.core.model import ModelManifest
from app.core.tasks import tasks_of
from app.core.units import format_bytes
from app.models.library import Library
from app.models.quantization.harm import harm_of
from app.models.stored_model import Quality
from app.rack.home import Home
from app.words.catalogue import message
from app.words.sentences import fact_text

HEADINGS: Final = (
    message("name"),
    message("family"),
    message("weights as"),
    message("text kept as"),
    message("task"),
    right(message("layers")),
    right(message("hidden")),
    right(message("vocabulary")),
    right(message("context")),
    right(message("size")),
)


def execute(arguments: argparse.Namespace) -> int:
    """List the models; files that cannot be used are named on standard error."""
    Home(arguments.home).prepare()
    library = Library(arguments.home)
    library.ensure_demo(ASSETS / "demo_model")
    models = library.models()
    for problem in library.problems():
        complain(fact_text(problem))
    if arguments.json:
        print_json({"models": [model_report(each.manifest, each.quality) for each in models]})
    else:
        print_table(translated(HEADINGS), [_row(each.manifest) for each in models])
        for each in models:
            print_harm(each.manifest, each.quality)
    return 0


def model_report(manifest: ModelManifest, quality: Quality | None) -> dict[str, object]:
    """Return a model's figures, ready for JSON."""
    harm = harm_of(manifest, quality)
    return {
        "name": manifest.name,
        "family": manifest.family,
        "quantization": manifest.quantization,
        "cache": manifest.cache_rows.word,
        "layers": manifest.layer_count,
        "hidden_size": manifest.hidden_size,
        "vocabulary_size": manifest.vocabulary_size,
        "context_tokens": manifest.context_tokens,
        "weight_bytes": weight_bytes(manifest),
        "tasks": [task.value for task in tasks_of(manifest)],
        "labels": list(manifest.labels),
        "harm": fact_text(harm) if harm else None,
        "harm_code": harm.code if harm else None,
    }


def _row(manifest: ModelManifest) -> list[str]:
    return [
        manifest.name,
        manifest.family,
        manifest.quantization,
        manifest.cache_rows.word if manifest.cached else "",
        manifest.task.value,
        str(manifest.layer_count),
        str(manifest.hidden_size),
        str(manifest.vocabulary_size),
        str(manifest.context_tokens),
        format_bytes(weight_bytes(manifest)),
    ]
