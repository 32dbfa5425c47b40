"""`shardloom models search`: which models the hub has under some words."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from app.command_line.output.terminal import print_json, print_table
from app.models.sources.hub import Hub, HubModel

HEADINGS = ("name", "task", ">downloads", ">likes", "terms")


def execute(arguments: argparse.Namespace) -> int:
    """List the models, the most downloaded first."""
    found = Hub().search(" ".join(arguments.words), arguments.limit)
    if arguments.json:
        print_json({"models": [asdict(model) for model in found]})
    else:
        print_table(HEADINGS, [_row(model) for model in found])
    return 0


def _row(model: HubModel) -> list[str]:
    return [
        model.repository,
        model.pipeline,
        f"{model.downloads:,}",
        f"{model.likes:,}",
        "to be accepted" if model.gated else "",
    ]
