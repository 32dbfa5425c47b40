"""`shardloom` without a command: the control centre, or its main job where no window can open."""

from __future__ import annotations

import argparse
import shlex

from app.command_line.dispatch import command_module, run_command
from app.command_line.failures import complain
from app.command_line.machine.display import has_display, window_obstacle
from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.rack.options import DEFAULT_MODEL, DEMO_PROMPT
from app.ui.presenter.scenes import Scene, scene_named
from app.words.sentences import sentence

MAIN_JOB_TOKENS = 40


def execute(arguments: argparse.Namespace) -> int:
    """Open the window; without a display run the demo or its scene in the terminal, and say so."""
    if not has_display():
        return _run_main_job(arguments)
    obstacle = window_obstacle()
    if obstacle:
        raise ShardloomError(obstacle)
    return command_module("window").execute(arguments)


def _run_main_job(arguments: argparse.Namespace) -> int:
    job = _main_job(scene_named(arguments.scene) if arguments.scene else None)
    complain(sentence(Fact("command.no_display", command=f"shardloom {shlex.join(job)}")))
    rack = ("--rack", arguments.rack) if arguments.rack else ()
    patience = ("--patience", str(arguments.patience))
    limit_s = arguments.pause_limit
    pause_limit = ("--pause-limit", str(limit_s)) if limit_s is not None else ()
    balancing = ("--balancing", arguments.balancing) if arguments.balancing else ()
    rate, check = arguments.audit_rate, arguments.check_everything
    audit_rate = ("--audit-rate", str(rate)) if rate is not None else ()
    verifiers = ("--verifiers", arguments.verifiers) if arguments.verifiers else ()
    checks = (*audit_rate, *(("--check-everything", check) if check else ()), *verifiers)
    home = ("--home", str(arguments.home))
    return run_command([*job, *home, *rack, *patience, *pause_limit, *balancing, *checks])


def _main_job(scene: Scene | None) -> list[str]:
    prompt = scene.prompt if scene else DEMO_PROMPT
    job = ["run", DEFAULT_MODEL, "--prompt", prompt, "--tokens", str(MAIN_JOB_TOKENS)]
    return [*job, "--fault", scene.fault] if scene and scene.fault else job
