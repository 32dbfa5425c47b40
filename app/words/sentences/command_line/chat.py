"""What `shardloom chat` says beside the answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural, plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "chat.begun": message("Talking with {model}. /help tells what else can be done, Ctrl-D ends."),
    "chat.forgotten": message("A new conversation begins."),
    "chat.help_image": message("/image [FILE]       show a picture with what is said next"),
    "chat.help_help": message("/help               these lines"),
    "chat.help_model": message("/model [NAME]       show the models, or talk with another"),
    "chat.help_quit": message("/quit               end; so does Ctrl-D. Ctrl-C stops an answer"),
    "chat.help_reset": message("/reset              forget what was said"),
    "chat.help_save": message("/save FILE          write the conversation as JSON"),
    "chat.help_set": message("/set [NAME VALUE]   show the settings, or change one"),
    "chat.help_system": message('/system [TEXT]      show or say how to behave; "" for nothing'),
    "chat.model": message("This is {model}. Others that can talk: {known}"),
    "chat.no_command": message("There is no {command}; /help tells what there is."),
    "chat.no_setting": message("There is no setting {name}; there are {known:and}."),
    "chat.no_such_model": message("No model {model} can talk; there are {known:and}."),
    "chat.no_system": message("Nothing is said about how to behave."),
    "chat.not_saved": message("{path} cannot be written: {reason}."),
    "chat.pictures": plural(
        "{count} picture goes with what is said next.",
        "{count} pictures go with what is said next.",
    ),
    "chat.save_where": message("Say where, such as /save talk.json."),
    "chat.saved": message("Saved as {path}."),
    "chat.setting_refused": message("{name} cannot be {value}."),
    "chat.stopped": message("Stopped."),
    "chat.system": message("How to behave: {text}"),
    "chat.taken_back": plural(
        "{count} token was wrong and is written again:",
        "{count} tokens were wrong and are written again:",
    ),
}
ADVICE: Final[Mapping[str, Message]] = {}
