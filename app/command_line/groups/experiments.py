"""The commands about experiments."""

from __future__ import annotations

from pathlib import Path

from app.command_line.option_groups import Commands, add_command, add_group, add_json
from app.command_line.rack_arguments import add_rack


def add_experiments(commands: Commands) -> None:
    """Add `experiment` with its actions."""
    actions = add_group(commands, "experiment", help="Break a rack on purpose and see who notices.")
    run = add_command(
        actions, "run", "experiment_run", help="Carry out an experiment and print its verdict."
    )
    run.add_argument("file", type=Path, metavar="FILE", help="what is planned (TOML)")
    add_rack(run)
    add_json(run)
    kept = add_command(
        actions, "list", "experiment_list", help="List the experiments that are kept."
    )
    add_json(kept)
    show = add_command(actions, "show", "experiment_show", help="Show what one of them showed.")
    show.add_argument("name", metavar="NAME", help="as `experiment list` names it")
    add_json(show)
    report = add_command(
        actions, "report", "experiment_report", help="Write one as an HTML file with plots."
    )
    report.add_argument("name", metavar="NAME")
    report.add_argument("--out", type=Path, metavar="FILE", required=True)
    compare = add_command(
        actions, "compare", "experiment_compare", help="Show two of them side by side."
    )
    compare.add_argument("first", metavar="NAME")
    compare.add_argument("second", metavar="NAME")
    add_json(compare)
