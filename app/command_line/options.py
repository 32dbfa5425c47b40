"""From a command's arguments to how the rack is opened."""

from __future__ import annotations

import argparse

from app.rack.options import DEFAULT_MODEL, RackOptions


def rack_options(arguments: argparse.Namespace) -> RackOptions:
    """Return the options the arguments ask for."""
    return RackOptions(
        home=arguments.home,
        rack=arguments.rack,
        model=getattr(arguments, "model", DEFAULT_MODEL),
        objective=getattr(arguments, "objective", None),
    )
