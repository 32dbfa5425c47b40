"""`shardloom chat`: a conversation in the terminal."""

from __future__ import annotations

import argparse
import signal
import sys
from types import FrameType

from app.command_line.chat.answering import answer
from app.command_line.chat.dialogue import ChatSettings, Dialogue
from app.command_line.chat.lines import edited_lines, read_line
from app.command_line.chat.slash_commands import COMMANDS, Chatting, EndOfChat, carry_out
from app.command_line.failures import complain
from app.command_line.options import rack_options
from app.command_line.output.progress import shown_progress
from app.command_line.rack_session import found_rack, tell_left_out
from app.core.conversation import Overflow
from app.core.errors import BadInputError, ShardloomError
from app.core.facts import Fact
from app.core.tasks import TaskKind
from app.models.formats.plain_text import plain_text
from app.rack.snapshot import Phase, RackSnapshot
from app.words.sentences import error_text, fact_text


def execute(arguments: argparse.Namespace) -> int:
    """Talk until the end of the input, /quit or a signal that ends the program."""
    signal.signal(signal.SIGTERM, _end)
    settings = ChatSettings(seed=arguments.seed, overflow=Overflow(arguments.overflow))
    dialogue = Dialogue(arguments.system or "", settings)
    with found_rack(rack_options(arguments)) as session:
        with shown_progress(session):
            snapshot = session.wait_until_holding(arguments.model)
        tell_left_out(snapshot)
        _require_chat(snapshot)
        if sys.stdin.isatty():
            complain(fact_text(Fact("chat.begun", model=arguments.model)))
        with edited_lines(arguments.home, COMMANDS):
            _talk(Chatting(session, dialogue, arguments.model))
    return 0


def _talk(chatting: Chatting) -> None:
    """Take lines. Raises `ShardloomError` where the rack is there no longer."""
    while True:
        try:
            _take(plain_text(read_line()), chatting)
        except KeyboardInterrupt:
            sys.stderr.write("\n")  # the line that was being typed is dropped
        except (EOFError, EndOfChat):
            return
        except ShardloomError as error:
            if chatting.session.newest.phase in (Phase.FAILED, Phase.STOPPED):
                raise
            complain(error_text(error))


def _take(line: str, chatting: Chatting) -> None:
    if not line.strip():
        return
    if line.startswith("/") and not line.startswith("//"):
        carry_out(line, chatting)
        return
    said = line.removeprefix("/") if line.startswith("//") else line
    chatting.dialogue.answered(said, answer(chatting.session, chatting.dialogue.ask(said)).text)


def _require_chat(snapshot: RackSnapshot) -> None:
    if snapshot.model is not None and TaskKind.CHAT not in snapshot.model.tasks:
        raise BadInputError("model.no_chat_template", model=snapshot.model.name)


def _end(_number: int, _frame: FrameType | None) -> None:
    raise EOFError
