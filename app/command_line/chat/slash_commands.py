"""Lines that begin with a slash: what they do to a conversation."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.command_line.chat.dialogue import Dialogue
from app.command_line.output.terminal import print_fact, print_line
from app.command_line.rack_session import RackSession
from app.command_line.text_input import read_picture_file
from app.core.conversation import ChatMessage
from app.core.errors import BadInputError, reason_of
from app.core.facts import Fact
from app.core.tasks import TaskKind
from app.models.pictures.reading import check_count

_HELP: Final = (
    Fact("chat.help_help"),
    Fact("chat.help_reset"),
    Fact("chat.help_system"),
    Fact("chat.help_image"),
    Fact("chat.help_save"),
    Fact("chat.help_model"),
    Fact("chat.help_set"),
    Fact("chat.help_quit"),
)


class EndOfChat(Exception):  # noqa: N818 - no error
    """Nothing more is to be said."""


@dataclass
class Chatting:
    """What commands work on."""

    session: RackSession
    dialogue: Dialogue
    model: str


def carry_out(line: str, chatting: Chatting) -> None:
    """Do what a line says. Raises `BadInputError` for what cannot be done, `EndOfChat`."""
    name, _, rest = line[1:].partition(" ")
    command = COMMANDS.get(name)
    if command is None:
        raise BadInputError("chat.no_command", command=f"/{name}")
    command(chatting, rest.strip())


def _help(_chatting: Chatting, _rest: str) -> None:
    for fact in _HELP:
        print_fact(fact)


def _reset(chatting: Chatting, _rest: str) -> None:
    chatting.dialogue.turns.clear()
    chatting.dialogue.pictures.clear()
    print_fact(Fact("chat.forgotten"))


def _system(chatting: Chatting, rest: str) -> None:
    if rest:
        chatting.dialogue.system = "" if rest == '""' else rest
    system = chatting.dialogue.system
    print_fact(Fact("chat.system", text=system) if system else Fact("chat.no_system"))


def _save(chatting: Chatting, rest: str) -> None:
    """Write the messages as OpenAI's interface has them; a file that is there stays as it is."""
    if not rest:
        raise BadInputError("chat.save_where")
    path = Path(rest).expanduser()
    messages = [{"role": m.speaker, "content": _saved(m)} for m in chatting.dialogue.messages()]
    content = {"model": chatting.model, "messages": messages}
    try:
        with path.open("x", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False, indent=1)
            file.write("\n")
    except OSError as error:
        raise BadInputError("chat.not_saved", path=str(path), reason=reason_of(error)) from None
    print_fact(Fact("chat.saved", path=str(path)))


def _saved(message: ChatMessage) -> str | list[dict[str, object]]:
    """Return what was said as OpenAI's interface takes it, pictures in `data:` addresses."""
    if not message.pictures:
        return message.text
    urls = ("data:;base64," + base64.b64encode(each).decode() for each in message.pictures)
    pictures: list[dict[str, object]] = [
        {"type": "image_url", "image_url": {"url": url}} for url in urls
    ]
    return [*pictures, {"type": "text", "text": message.text}]


def _image(chatting: Chatting, rest: str) -> None:
    """Let a picture go with what is said next; without a file, let none go with it."""
    pictures = chatting.dialogue.pictures
    if not rest:
        pictures.clear()
    else:
        content = read_picture_file(Path(rest).expanduser())
        said = (each for message in chatting.dialogue.messages() for each in message.pictures)
        check_count((*said, *pictures, content))
        pictures.append(content)
    print_fact(Fact("chat.pictures", count=len(pictures)))


def _model(chatting: Chatting, rest: str) -> None:
    able = [each.name for each in chatting.session.control.models() if TaskKind.CHAT in each.tasks]
    if rest:
        if rest not in able:
            raise BadInputError("chat.no_such_model", model=rest, known=tuple(able))
        chatting.session.change_model(rest)
        chatting.model = rest
    print_fact(Fact("chat.model", model=chatting.model, known=tuple(able)))


def _set(chatting: Chatting, rest: str) -> None:
    dialogue = chatting.dialogue
    if rest:
        name, _, value = rest.partition(" ")
        dialogue.settings = dialogue.settings.but(name, value.strip())
    for name, value in dialogue.settings.told():
        print_line(f"{name} {value}")


def _quit(_chatting: Chatting, _rest: str) -> None:
    raise EndOfChat


COMMANDS: Final[Mapping[str, Callable[[Chatting, str], None]]] = {
    "help": _help,
    "reset": _reset,
    "system": _system,
    "image": _image,
    "save": _save,
    "model": _model,
    "set": _set,
    "quit": _quit,
}
