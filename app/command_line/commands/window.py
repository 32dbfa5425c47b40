"""The control centre's window on a rack. The only module of the command line that loads Qt."""

from __future__ import annotations

import argparse
from dataclasses import replace

from app.command_line.machine.model_desk import HomeModelDesk
from app.command_line.options import rack_options
from app.command_line.output.terminal import print_fact
from app.core.facts import Fact
from app.gateway.loopback_door import LoopbackDoor
from app.rack.control import RackControl
from app.rack.home import Home
from app.ui.application import run
from app.ui.single_instance import instance_name, raise_running


def execute(arguments: argparse.Namespace) -> int:
    """Open the window and stay until it is closed; raise the one that is open on this home."""
    if raise_running(instance_name(arguments.home)):
        print_fact(Fact("window.raised", home=str(arguments.home)))
        return 0
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
