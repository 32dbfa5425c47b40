"""`shardloom models delete`: a model and the weights that no other model has."""

from __future__ import annotations

import argparse

from app.command_line.output.terminal import print_fact
from app.core.facts import Fact
from app.models.library import Library
from app.rack.home import Home, HomeLock


def execute(arguments: argparse.Namespace) -> int:
    """Remove it and say how much room that made; not while a rack may be using it."""
    home = Home(arguments.home)
    home.prepare()
    lock = HomeLock(home)
    lock.acquire()
    try:
        freed = Library(arguments.home).delete(arguments.name)
    finally:
        lock.release()
    print_fact(Fact("model.deleted", model=arguments.name, size=freed))
    return 0
