"""A conversation as the window keeps it: what was said, and the requests that answer. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.core.conversation import ChatMessage, Conversation, Speaker
from app.core.identifiers import RequestId
from app.rack.snapshot import RackSnapshot, RequestSnapshot


@dataclass(frozen=True)
class ChatTurn:
    """One message; its request and answer are None until the rack has taken it."""

    said: str
    request: RequestId | None = None
    answer: RequestSnapshot | None = None
    pictures: tuple[bytes, ...] = ()
    """Files that went with it."""

    @property
    def answered(self) -> str:
        """The answer so far."""
        answer = self.answer
        return answer.text if answer else ""


class ChatSession:
    """Turns in order; only the last one may still be answered."""

    def __init__(self, turns: tuple[ChatTurn, ...] = ()) -> None:
        self._turns = turns

    @property
    def turns(self) -> tuple[ChatTurn, ...]:
        """What was said and answered so far."""
        return self._turns

    @property
    def waiting(self) -> bool:
        """Whether the last message has no whole answer yet."""
        if not self._turns:
            return False
        answer = self._turns[-1].answer
        return answer is None or not answer.state.ended

    def conversation(
        self, text: str, system: str, pictures: tuple[bytes, ...] = ()
    ) -> Conversation:
        """Return what to send for the next message; turns without any answer are left out."""
        messages = [ChatMessage(Speaker.SYSTEM, system)] if system else []
        for turn in self._turns:
            if turn.answered:
                messages.append(ChatMessage(Speaker.USER, turn.said, turn.pictures))
                messages.append(ChatMessage(Speaker.ASSISTANT, turn.answered.strip()))
        return (*messages, ChatMessage(Speaker.USER, text, pictures))

    def say(self, text: str, pictures: tuple[bytes, ...] = ()) -> None:
        """Add a message that was sent."""
        self._turns = (*self._turns, ChatTurn(text, pictures=pictures))

    def accept(self, request: RequestId) -> None:
        """Note which request answers the last message, unless that is known."""
        if self._unaccepted:
            self._turns = (*self._turns[:-1], replace(self._turns[-1], request=request))

    def refuse(self) -> str:
        """Take back and return the last message where the rack has not taken it; else nothing."""
        if not self._unaccepted:
            return ""
        said = self._turns[-1].said
        self._turns = self._turns[:-1]
        return said

    def take(self, snapshot: RackSnapshot) -> None:
        """Bring the last answer up to date."""
        if not self._turns or self._turns[-1].request is None:
            return
        last = self._turns[-1]
        answers = (each for each in snapshot.requests if each.identifier == last.request)
        answer = next(answers, last.answer)
        if answer is not last.answer:
            self._turns = (*self._turns[:-1], replace(last, answer=answer))

    def clear(self) -> None:
        """Forget everything."""
        self._turns = ()

    @property
    def _unaccepted(self) -> bool:
        return bool(self._turns) and self._turns[-1].request is None
