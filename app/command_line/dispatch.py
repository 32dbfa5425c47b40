"""From arguments to a command's module, and from its errors to an exit status."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
from collections.abc import Sequence
from typing import Protocol, cast

from app.command_line.failures import NOT_POSSIBLE, WRONG_USAGE, WrongUsageError, complain
from app.command_line.parser import build_parser
from app.command_line.text_input import refuse_undecodable
from app.core.errors import ShardloomError
from app.core.facts import Fact
from app.core.identifiers import LEDGER_VARIABLE
from app.words.catalogue import language_of, use_language
from app.words.sentences import error_text, sentence


class CommandModule(Protocol):
    """What every module of a command offers."""

    def execute(self, arguments: argparse.Namespace) -> int:
        """Do the command and return the exit status."""
        ...


def run_command(arguments: Sequence[str]) -> int:
    """Parse, run and return the exit status; a reason to fail is one line on standard error.

    A termination signal ends a command as Ctrl-C does: phones are stopped first.
    """
    use_language(language_of(os.environ))
    parsed = build_parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        refuse_undecodable(parsed)
        if parsed.ledger_address:
            os.environ[LEDGER_VARIABLE] = parsed.ledger_address
        return command_module(parsed.module).execute(parsed)
    except WrongUsageError as error:
        complain(error_text(error))
        return WRONG_USAGE
    except ShardloomError as error:
        complain(error_text(error))
    except KeyboardInterrupt:
        complain(sentence(Fact("command.stopped")))
    return NOT_POSSIBLE


def command_module(name: str) -> CommandModule:
    """Import a command's module, which only then loads what it needs."""
    return cast(CommandModule, importlib.import_module(f"app.command_line.commands.{name}"))
