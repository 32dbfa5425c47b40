"""What a terminal shows while a rack prepares and generates; silent where nobody watches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import assert_never

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from app.command_line.followed_text import FollowedText
from app.command_line.output.terminal import progress_console
from app.command_line.rack_session import RackSession
from app.core.device import DeviceState
from app.core.identifiers import RequestId
from app.rack.snapshot import PhoneSnapshot, RackSnapshot, RequestSnapshot
from app.words.sentences import facts_text, reason_text
from app.words.states import state_word
from app.words.terminal import fault_text, rack_line, request_line, transfer_text

STREAMS_SHOWN = 50
"""Lines that a terminal may have room for."""


def state_text(state: DeviceState) -> str:
    """Return a phone's state in a word, behind a shape."""
    return f"{_shape(state)} {state_word(state)}"


def _shape(state: DeviceState) -> str:
    match state:
        case DeviceState.FOUND | DeviceState.UNAUTHORIZED | DeviceState.BUSY | DeviceState.STANDBY:
            return "○"
        case DeviceState.PREPARING:
            return "◐"
        case DeviceState.READY:
            return "●"
        case DeviceState.WORKING:
            return "◉"
        case DeviceState.JAILED:
            return "⊘"
        case DeviceState.UNSUITABLE | DeviceState.LOST:
            return "✕"
        case _:
            assert_never(state)


class Progress:
    """The newest snapshot, and of the requests that are followed each token that has come."""

    def __init__(self, session: RackSession) -> None:
        self._session = session
        self._followed: dict[RequestId, FollowedText] = {}

    def follow(self, identifiers: Iterable[RequestId]) -> None:
        """Show the texts of these requests from their own events."""
        follow = self._session.control.follow
        self._followed = {each: FollowedText(follow(each)) for each in identifiers}

    def picture(self) -> RenderableType:
        """Return what is to be shown now."""
        return _picture(self._session.newest, self._followed)


@contextmanager
def shown_progress(session: RackSession) -> Iterator[Progress]:
    """Paint how it goes ten times a second for the length of a block."""
    console, progress = progress_console(), Progress(session)
    if not console.is_terminal:
        yield progress
        return
    with Live(
        get_renderable=progress.picture,
        console=console,
        refresh_per_second=10,
        transient=True,
    ):
        yield progress


def _picture(snapshot: RackSnapshot, followed: Mapping[RequestId, FollowedText]) -> RenderableType:
    lines: list[RenderableType] = [Text(rack_line(snapshot), style="bold")]
    if snapshot.notices:
        lines.append(Text(facts_text(snapshot.notices)))
    lines.append(_phones(snapshot.phones))
    lines += [
        _stream(request, followed.get(request.identifier))
        for request in snapshot.requests[-STREAMS_SHOWN:]
    ]
    return Group(*lines)


def _phones(phones: tuple[PhoneSnapshot, ...]) -> Table:
    table = Table.grid(padding=(0, 2))
    for phone in phones:
        name = phone.description.name if phone.description else phone.serial
        state = state_text(phone.state)
        fault = Text(fault_text(phone), style="yellow")
        table.add_row(Text(state), Text(name), fault, *_doing(phone))
    return table


def _doing(phone: PhoneSnapshot) -> tuple[RenderableType, RenderableType]:
    transfer = phone.transfer
    if transfer is None:
        return Text(reason_text(phone.state_reason)), Text("")
    bar = ProgressBar(total=transfer.total_bytes, completed=transfer.done_bytes, width=24)
    return bar, Text(transfer_text(transfer))


def _stream(request: RequestSnapshot, followed: FollowedText | None) -> Text:
    stands, may_change = request.settled_text, request.open_text
    if followed is not None:
        stands, may_change = followed.texts(request)
    text = Text("\n")
    text.append(request.prompt, style="bold")
    text.append(stands)
    text.append(may_change, style="dim")
    text.append(f"\n{request_line(request)}", style="cyan")
    return text
