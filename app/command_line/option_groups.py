"""Commands and the options that several of them have."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn, Protocol

from app.command_line.failures import WRONG_USAGE
from app.command_line.option_types import fault, folder, positive
from app.command_line.text_input import DEFAULT_ENCODING, encoding
from app.core.facts import Fact
from app.pipeline.opening_stages.lookup import LookupMode
from app.words.sentences import sentence

TASKS = ("summarise", "translate")
JSON_HELP = "print one JSON object"


class Commands(Protocol):
    """What takes new commands; argparse keeps the name of its own type to itself."""

    def add_parser(
        self,
        name: str,
        *,
        help: str,  # noqa: A002 - argparse's word
        description: str,
    ) -> argparse.ArgumentParser:
        """Add one command."""
        ...


class OneLineParser(argparse.ArgumentParser):
    """Tells wrong usage in one line, as every other reason to fail."""

    def error(self, message: str) -> NoReturn:
        """End with status 2 and say what was wrong, and where all options stand."""
        wrong = Fact("command.wrong_usage", command=self.prog, problem=message)
        self.exit(WRONG_USAGE, f"{sentence(wrong)}\n")


def add_command(
    commands: Commands,
    name: str,
    module: str,
    *,
    help: str,  # noqa: A002 - argparse's word
) -> argparse.ArgumentParser:
    """Add a command; `module` names its module below app.command_line.commands."""
    parser = commands.add_parser(name, help=help, description=help)
    parser.set_defaults(module=module)
    parser.add_argument(
        "--home", type=folder, default=argparse.SUPPRESS, help="all state lies here"
    )
    return parser


def add_group(commands: Commands, name: str, *, help: str) -> Commands:  # noqa: A002 - argparse's word
    """Add a command that only gathers actions, and return what takes these."""
    parser = commands.add_parser(name, help=help, description=help)
    return parser.add_subparsers(title="actions", metavar="ACTION", required=True)


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option to print JSON."""
    parser.add_argument("--json", action="store_true", help=JSON_HELP)


def add_encoding(parser: argparse.ArgumentParser) -> None:
    """Add how files with texts are written."""
    parser.add_argument(
        "--encoding",
        type=encoding,
        default=DEFAULT_ENCODING,
        metavar="NAME",
        help=f"how files with texts are written; default: {DEFAULT_ENCODING}",
    )


def add_slot(parser: argparse.ArgumentParser) -> None:
    """Add what one request may hold on a phone."""
    parser.add_argument(
        "--context", type=positive(int), default=1024, metavar="N", help="tokens a slot holds"
    )
    parser.add_argument(
        "--boundary", choices=("f32", "f16"), default="f32", help="hidden states between phones"
    )
    parser.add_argument(
        "--lookup",
        choices=tuple(mode.value for mode in LookupMode),
        help="whether phones guess tokens ahead where a text repeats itself and that pays; the"
        " tokens are the same; default: the rack's own, auto unless its file says otherwise",
    )


def add_tasks(parser: argparse.ArgumentParser) -> None:
    """Add what to do with a prompt."""
    task = parser.add_mutually_exclusive_group()
    task.add_argument("--chat", action="store_true", help="answer the prompt as a chat message")
    task.add_argument("--task", choices=TASKS, help="what to do with the prompt")
    parser.add_argument("--system", metavar="TEXT", help="with --chat: how to behave")
    parser.add_argument("--language", metavar="NAME", help="with --task translate: into which")
    parser.add_argument(
        "--image",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="show the model a picture; may be given several times",
    )


def add_fault(parser: argparse.ArgumentParser) -> None:
    """Add faults to break phones with."""
    parser.add_argument(
        "--fault",
        type=fault,
        action="append",
        default=[],
        metavar="KIND:PHONE[@TOKEN]",
        help="break a phone on purpose; may be given several times",
    )
