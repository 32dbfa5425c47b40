"""The control centre's window on a rack. The only module of the command line that loads Qt."""

from __future__ import annotations

import argparse
from contextlib import suppress
from dataclasses import replace

from app.command_line.failures import complain
from app.command_line.machine.model_desk import HomeModelDesk
from app.command_line.options import rack_options
from app.command_line.output.terminal import print_fact
from app.core.facts import Fact
from app.gateway.loopback_door import LoopbackDoor
from app.rack.control import RackControl
from app.rack.home import Home
from app.ui.application import run
from app.ui.single_instance import RunningWindow, Start, WindowTakenError, ask_running
from app.words.sentences import sentence


def execute(arguments: argparse.Namespace) -> int:
    """Open the window and stay until it is closed; raise the one that is open on this home."""
    while True:
        start = Start(arguments.scene or "", arguments.language or "")
        running = ask_running(arguments.home, start)
        if running is not None:
            return _raised(arguments, running)
        with suppress(WindowTakenError):
            return _open(arguments)


def _raised(arguments: argparse.Namespace, running: RunningWindow) -> int:
    """Say that the window is in front, and what only a new one could do; return the status."""
    print_fact(Fact("window.raised", home=str(arguments.home)))
    asked = {"--rack": arguments.rack, "--record": arguments.record}
    if arguments.rack == running.rack:
        del asked["--rack"]
    left = [option for option, value in asked.items() if value]
    if left:
        complain(
            sentence(Fact("window.options_left", options=tuple(left), rack=running.rack or "auto"))
        )
    return 1 if left else 0


def _open(arguments: argparse.Namespace) -> int:
    options = replace(
        rack_options(arguments),
        beside_a_window=True,
        lets_terminals_in=True,
        record=arguments.record,
    )

    def open_control() -> RackControl:
        from app.rack.service import open_rack  # noqa: PLC0415 - loads after the first paint

        return open_rack(options)

    settings_path, rack = options.home / "window.ini", options.rack or ""
    return run(
        open_control,
        settings_path,
        scene=arguments.scene,
        rack=rack,
        language=arguments.language or "",
        http=LoopbackDoor(Home(options.home)),
        models=HomeModelDesk(options.home),
    )
