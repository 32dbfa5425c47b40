"""What only the window has: scenes, its language, recording, and playing what was recorded."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.command_line.option_groups import Commands, add_command
from app.command_line.option_types import positive
from app.ui.presenter.scenes import scene_names
from app.words.catalogue import LANGUAGES

LANGUAGE_HELP = "the window's words, this time; default: as chosen in it, else the system's"
FASTEST = 1_000.0


def add_window_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the control centre itself."""
    scene = "open the control centre on a demo scene"
    parser.add_argument("--scene", choices=scene_names(), help=scene)
    parser.add_argument("--language", choices=LANGUAGES, help=LANGUAGE_HELP)
    record = "write everything that is shown and happens to FILE, for `replay`"
    parser.add_argument("--record", type=Path, metavar="FILE", help=record)


def add_replay(commands: Commands) -> None:
    """Add `replay`."""
    parser = add_command(
        commands, "replay", "replay", help="Show what was recorded in the window, without phones."
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="as --record wrote it")
    speed = f"times as fast as it was, at most {FASTEST:g}; default: 1"
    parser.add_argument("--speed", type=positive(float), default=1.0, metavar="X", help=speed)
    parser.add_argument(
        "--language", choices=LANGUAGES, default=argparse.SUPPRESS, help=LANGUAGE_HELP
    )
