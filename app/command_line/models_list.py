"""`shardloom models list`: the imported models, the demo among them."""

from __future__ import annotations

import argparse

from app.command_line.dispatch import complain
from app.command_line.models_import import weight_bytes
from app.command_line.terminal import print_json, print_table
from app.core.model import ModelManifest
from app.core.tasks import tasks_of
from app.core.units import format_bytes
from app.models.library import Library
from app.rack.home import Home
from app.rack.service import ASSETS

HEADINGS = (
    "name",
    "family",
    "weights as",
    "task",
    ">layers",
    ">hidden",
    ">vocabulary",
    ">context",
    ">size",
)


def execute(arguments: argparse.Namespace) -> int:
    """List the models; files that cannot be used are named on standard error."""
    Home(arguments.home).prepare()
    library = Library(arguments.home)
    library.ensure_demo(ASSETS / "demo_model")
    manifests = library.manifests()
    for problem in library.problems():
        complain(problem)
    if arguments.json:
        print_json({"models": [model_report(manifest) for manifest in manifests]})
    else:
        print_table(HEADINGS, [_row(manifest) for manifest in manifests])
    return 0


def model_report(manifest: ModelManifest) -> dict[str, object]:
    """Return a model's figures, ready for JSON."""
    return {
        "name": manifest.name,
        "family": manifest.family,
        "quantization": manifest.quantization,
        "layers": manifest.layer_count,
        "hidden_size": manifest.hidden_size,
        "vocabulary_size": manifest.vocabulary_size,
        "context_tokens": manifest.context_tokens,
        "weight_bytes": weight_bytes(manifest),
        "tasks": [task.value for task in tasks_of(manifest)],
        "labels": list(manifest.labels),
    }


def _row(manifest: ModelManifest) -> list[str]:
    return [
        manifest.name,
        manifest.family,
        manifest.quantization,
        manifest.task.value,
        str(manifest.layer_count),
        str(manifest.hidden_size),
        str(manifest.vocabulary_size),
        str(manifest.context_tokens),
        format_bytes(weight_bytes(manifest)),
    ]
