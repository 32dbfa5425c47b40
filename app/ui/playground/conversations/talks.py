"""What a person asked for: texts and conversations, several at a time. Qt-free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.core.clock import SystemClock
from app.core.identifiers import RequestId
from app.core.tasks import TaskKind
from app.rack.snapshot import RackSnapshot, RequestSnapshot
from app.ui.playground.tasks.chat_session import ChatSession

TALKS_KEPT = 12
"""On the strip, of those that have ended; what still runs is never taken off."""
MOST_TALKS = 500
"""In the list, with those on the strip."""


@dataclass(eq=False)
class Talk:
    """One text, labels or vector asked for, or one conversation with all its requests."""

    kind: TaskKind
    prompt: str = ""
    identifier: RequestId | None = None
    """Its newest request; None until the rack has taken one."""
    request: RequestSnapshot | None = None
    """As that request was seen last, also after the rack has forgotten it."""
    session: ChatSession | None = None
    """What was said, where it is a conversation."""
    asked: bool = False
    """Whether something was sent that the rack has neither taken nor refused yet."""
    name: str = ""
    """What a person calls it; empty for how it began."""
    unwanted: bool = False
    """Whether that was cancelled already: to be as soon as the rack has taken it."""
    begun_ms: int = field(default_factory=lambda: SystemClock().wall_ms())

    @property
    def running(self) -> bool:
        """Whether something is still to come."""
        if self.asked or (self.identifier is not None and self.request is None):
            return True
        return self.request is not None and not self.request.state.ended

    @property
    def title(self) -> str:
        """What it is called, else what was asked or said first; empty where nothing was."""
        if self.name:
            return self.name
        turns = self.session.turns if self.session else ()
        return turns[0].said if turns else self.prompt


class Talks:
    """Those on the strip in the order they began, which one is shown, and those put away.

    Until a person has chosen or begun one, the newest is shown.
    """

    def __init__(self) -> None:
        self._all: list[Talk] = []
        self._away: list[Talk] = []
        """Taken off the strip, in the order that happened; what ran longest ago goes first."""
        self._deleted: list[Talk] = []
        """What was deleted last, which can be had back."""
        self._shown: Talk | None = None
        self._chosen = False
        self._known: set[RequestId] = set()
        """Requests that belong, or belonged, to one of them."""

    @property
    def all(self) -> Sequence[Talk]:
        """Those on the strip, oldest first."""
        return tuple(self._all)

    @property
    def listed(self) -> Sequence[Talk]:
        """All in which something was asked, newest first, those put away among them."""
        every = [each for each in (*self._away, *self._all) if each.title]
        return tuple(sorted(every, key=lambda each: each.begun_ms, reverse=True))

    @property
    def deleted(self) -> Sequence[Talk]:
        """What was deleted last and can be had back."""
        return tuple(self._deleted)

    @property
    def shown(self) -> Talk | None:
        """The one in front."""
        return self._shown

    def begin(self, kind: TaskKind, prompt: str = "") -> Talk:
        """Add one and show it."""
        session = ChatSession() if kind is TaskKind.CHAT else None
        talk = Talk(kind, prompt, session=session)
        self._all.append(talk)
        self.show(talk)
        self._shorten()
        return talk

    def show(self, talk: Talk) -> None:
        """Keep this one in front, whatever else begins; back on the strip where it was not."""
        if talk in self._away:
            self._away.remove(talk)
            self._all.append(talk)
            self._shorten()
        self._shown, self._chosen = talk, True

    def restore(self, talks: Sequence[Talk]) -> None:
        """Add those of an earlier run to the list."""
        self._away = [*talks, *self._away][-MOST_TALKS:]
        self._known |= {talk.identifier for talk in talks if talk.identifier}

    def delete(self, talks: Sequence[Talk]) -> None:
        """Take those that have ended off the list; they can be had back until the next time."""
        ended = [talk for talk in talks if not talk.running]
        for talk in ended:
            self.drop(talk)
        if ended:
            self._deleted = [talk for talk in ended if talk in self._away]
            self._away = [talk for talk in self._away if talk not in ended]

    def undelete(self) -> None:
        """Put the one that was deleted last back on the list."""
        self._away += self._deleted
        self._deleted = []

    def follow_newest(self) -> None:
        """Leave what was chosen: whatever begins next comes to the front."""
        self._chosen = False

    def show_kind(self, kind: TaskKind) -> None:
        """Show the newest that belongs to a task: conversations apart from all else."""
        chats = kind is TaskKind.CHAT
        fitting = [each for each in self._all if (each.session is not None) is chats]
        if self._shown in fitting:
            return
        if fitting:
            self._shown = fitting[-1]
        elif chats:
            self.begin(kind)
        else:
            self._shown, self._chosen = None, False

    def step(self, by: int) -> None:
        """Show the one so many places further, round and round."""
        if self._shown in self._all:
            place = self._all.index(self._shown) + by
            self.show(self._all[place % len(self._all)])

    def accept(self, talk: Talk, request: RequestId) -> None:
        """Note which request came of what was asked."""
        talk.identifier, talk.request, talk.asked = request, None, False
        self._known.add(request)
        if talk.session is not None:
            talk.session.accept(request)

    def refuse(self, talk: Talk) -> str:
        """Note that the rack took nothing; return what was typed, to be typed again."""
        talk.asked = False
        if talk.session is not None:
            return talk.session.refuse()
        if talk.identifier is None:
            self.drop(talk)
            return talk.prompt
        return ""

    def drop(self, talk: Talk) -> None:
        """Put one that has ended away, and show its neighbour."""
        if talk not in self._all or talk.running:
            return
        place = self._all.index(talk)
        self._put_away(talk)
        if self._shown is talk:
            self._shown = self._all[min(place, len(self._all) - 1)] if self._all else None

    def take(self, snapshot: RackSnapshot) -> None:
        """Bring all up to date, and add what others have asked the rack for."""
        there = {request.identifier: request for request in snapshot.requests}
        for talk in self._all:
            if talk.identifier is not None:
                talk.request = there.get(talk.identifier, talk.request)
            if talk.session is not None:
                talk.session.take(snapshot)
        listed = {talk.identifier for talk in (*self._all, *self._away)}
        self._known &= there.keys() | listed
        if not any(talk.asked for talk in self._all):
            self._add_others(snapshot)

    def _add_others(self, snapshot: RackSnapshot) -> None:
        for request in snapshot.requests:
            if request.identifier in self._known:
                continue
            talk = Talk(request.kind, request.prompt, request.identifier, request)
            self._known.add(request.identifier)
            self._all.append(talk)
            if not self._chosen:
                self._shown = talk
        self._shorten()

    def _shorten(self) -> None:
        ended = [each for each in self._all if not each.running and each is not self._shown]
        for talk in ended[: max(len(ended) - TALKS_KEPT, 0)]:
            self._put_away(talk)

    def _put_away(self, talk: Talk) -> None:
        self._all.remove(talk)
        if talk.title:
            self._away = [*self._away, talk][-MOST_TALKS:]
