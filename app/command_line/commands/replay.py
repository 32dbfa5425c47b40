"""`shardloom replay`: the window on a recorded stream; no phone is needed."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from app.command_line.groups.window import FASTEST
from app.command_line.machine.display import window_obstacle
from app.core.errors import ShardloomError
from app.rack.replay.replayed_rack import ReplayedRack
from app.ui.application import run
from app.ui.looks.spoken import spoken
from app.ui.settings import Settings
from app.ui.window.main_window import MainWindow
from app.words.window import replay_note


def execute(arguments: argparse.Namespace) -> int:
    """Play the file until the window is closed."""
    obstacle = window_obstacle()
    if obstacle:
        raise ShardloomError(obstacle)
    speed = min(arguments.speed, FASTEST)
    played = ReplayedRack(arguments.file, speed)
    with TemporaryDirectory() as folder:
        settings_path = Path(folder) / "window.ini"
        Settings(settings_path).start_demo = False
        return run(
            lambda: played,
            settings_path,
            rack=played.snapshot().rack_name,
            language=arguments.language or "",
            accompany=lambda window: _say_so(window, arguments.file.name, speed),
        )


def _say_so(window: MainWindow, file: str, speed: float) -> None:
    """Let nobody take what is shown for what happens now."""
    spoken(window.header.show_address, lambda: replay_note(file, speed))
