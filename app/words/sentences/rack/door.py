"""What `app.rack.door` says, and who uses a rack that is open already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "door.changes_model": message("{model} is put on the open rack, which has {running}."),
    "door.chosen_rack": message(
        "Shardloom is open on {home} with the phones that it found itself, and not {rack}."
    ),
    "door.closed": message("The Shardloom that this used has been closed."),
    "door.not_opened": message("{path} cannot be opened for other programs: {reason}."),
    "door.option_without_effect": message(
        "{option} has no effect: the rack is open already, with another."
    ),
    "door.other_model": message("The open rack has {running} and not {model}."),
    "door.other_rack": message("Shardloom is open on {home} with {opened} and not {rack}."),
    "door.other_version": message("Another version of Shardloom is open on this home."),
    "door.unreadable": message("What was said between two Shardlooms cannot be read ({reason})."),
}
ADVICE: Final[Mapping[str, Message]] = {
    "door.chosen_rack": message("Leave --rack out, close it, or give --home."),
    "door.other_model": message("Wait until it rests, or choose the model there."),
    "door.other_rack": message("Leave --rack out, close it, or give --home."),
    "door.other_version": message("Close it first."),
}
