"""`shardloom` without a command: the control centre, or its main job where no window can open."""

from __future__ import annotations

import argparse

from app.command_line.dispatch import command_module, complain, run_command
from app.command_line.display import has_display, window_obstacle
from app.core.errors import ShardloomError

MAIN_JOB = ("run", "demo", "--prompt", "In the beginning", "--tokens", "40")


def execute(arguments: argparse.Namespace) -> int:
    """Open the window; without a display run the demo in the terminal, and say so."""
    if not has_display():
        return _run_main_job(arguments)
    obstacle = window_obstacle()
    if obstacle:
        raise ShardloomError(obstacle)
    return command_module("window").execute(arguments)


def _run_main_job(arguments: argparse.Namespace) -> int:
    job = " ".join(f'"{part}"' if " " in part else part for part in MAIN_JOB)
    complain(f"No display here, so this runs in the terminal: shardloom {job}")
    rack = ("--rack", arguments.rack) if arguments.rack else ()
    patience = ("--patience", str(arguments.patience))
    return run_command([*MAIN_JOB, "--home", str(arguments.home), *rack, *patience])
