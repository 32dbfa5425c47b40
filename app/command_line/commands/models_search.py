"""`shardloom models search`: which models the hub has under some words."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Final

from app.command_line.output.terminal import print_json, print_table, right, translated
from app.models.sources.hub import Hub, HubModel
from app.words.catalogue import message, tr

HEADINGS: Final = (
    message("name"),
    message("task"),
    right(message("downloads")),
    right(message("likes")),
    message("terms"),
)


def execute(arguments: argparse.Namespace) -> int:
    """List the models, the most downloaded first."""
    found = Hub().search(" ".join(arguments.words), arguments.limit)
    if arguments.json:
        print_json({"models": [asdict(model) for model in found]})
    else:
        print_table(translated(HEADINGS), [_row(model) for model in found])
    return 0


def _row(model: HubModel) -> list[str]:
    return [
        model.repository,
        model.pipeline,
        f"{model.downloads:,}",
        f"{model.likes:,}",
        tr("to be accepted first") if model.gated else "",
    ]
