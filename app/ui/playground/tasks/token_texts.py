"""How each token of a request reads, from the request's own events. Qt-free but for the link."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.identifiers import RequestId
from app.rack.events.request_events import StageAudited, TokenAdded
from app.rack.events.request_log import RequestStream
from app.ui.rack_link import RackLink


class TokenTexts:
    """Follows one request at a time, without waiting; the newest token at a position counts."""

    def __init__(self, link: RackLink) -> None:
        self._link = link
        self._request: RequestId | None = None
        self._stream: RequestStream | None = None
        self._added: dict[int, TokenAdded] = {}
        self.audits: list[StageAudited] = []
        """What audits of the request's stages showed, oldest first."""

    def of(self, request: RequestId) -> Mapping[int, TokenAdded]:
        """Return what was added at each position, counted from 1, as far as it is kept."""
        if request != self._request:
            self._request, self._added, self.audits = request, {}, []
            self._stream = self._link.follow(request)
        for event in self._stream.read() if self._stream else ():
            if isinstance(event.what, TokenAdded):
                self._added[event.what.position] = event.what
            elif isinstance(event.what, StageAudited):
                self.audits.append(event.what)
        return self._added
