"""What `app.pipeline` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "answer.more_alternatives": message("there are more alternatives than were asked for"),
    "answer.figures_contradict": message("what it says of probabilities contradicts itself"),
    "answer.no_token": message("field token is null where one was wanted"),
    "answer.no_vector": message("there are no {numbers} finite numbers"),
    "answer.token_beyond": message("field token is {token}, beyond the vocabulary"),
    "worker.answered_wrongly": message("{phone} answered wrongly: {reason}."),
    "worker.no_room_again": message(
        "It would take {needed:bytes} to load the layers once more, and {free:bytes} are left."
    ),
    "worker.cannot_be_asked": message("{phone} cannot be asked that: {reason}."),
    "worker.given_up": message("{phone}'s worker was given up."),
    "worker.let_go": message("{phone} was let go."),
    "worker.no_answer": message("{phone} did not answer '{command}' within {limit:.0f} s."),
    "worker.other_rows": message("{phone} answered with other rows than it was asked for."),
    "worker.other_states": message("{phone} showed other states than it was asked for."),
    "worker.other_transcript": message(
        "{phone} gave a transcript of other steps than it was sent."
    ),
    "worker.refused": message("{phone}: {reason}"),
    "worker.refused_silently": message("{phone}: no reason given"),
}
ADVICE: Final[Mapping[str, Message]] = {}
