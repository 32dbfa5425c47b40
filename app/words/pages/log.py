"""Lines of the log, and how many there are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from app.words.catalogue import Message, message, ntr, tr

_KINDS: Final[Mapping[str, Message]] = {
    "info": message("note"),
    "warning": message("warning"),
    "error": message("problem"),
    "critical": message("problem"),
    "move": message("layers"),
    "fault": message("fault"),
    "failover": message("fail-over"),
    "audit-ok": message("audit"),
    "audit-deviates": message("audit"),
    "audit-failed": message("audit"),
    "slash": message("slash"),
}


def line_text(moment: datetime, kind: str, text: str) -> str:
    """Return a line as it is shown: today's by the time alone."""
    today = datetime.now(moment.tzinfo).date() == moment.date()
    when = moment.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S")
    word = tr(_KINDS[kind]) if kind in _KINDS else kind
    return f"{when}   {word}   {text}"


def lines_shown(shown: int, every: int) -> str:
    """Return how many lines are shown of how many."""
    if shown == every:
        return ntr("{count} line", "{count} lines", every).format(count=f"{every:,}")
    return tr("{shown} of {count} lines").format(shown=f"{shown:,}", count=f"{every:,}")
