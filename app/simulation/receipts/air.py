"""Messages between keeping phones: delayed, lost, cut off by partitions, counted in bytes."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from app.simulation.receipts.phones import KeepingPhone
from workers.errors import ReceiptError
from workers.protocol.between_phones.replica_messages import PeerMessage
from workers.protocol.codec import encode, read_incoming

TICK_S: Final = 0.25
OVERHEAD_BYTES: Final = 33 + 9 + 52
"""Of a message: CURVE's command (RFC 26), ZeroMQ's frame, TCP and IP with time stamps."""
_DELAY_S: Final = (0.002, 0.05)


class Air:
    """Virtual time and what crosses it. Phones tick four times a second, as on a real one."""

    def __init__(self, phones: Sequence[KeepingPhone], random: Random, lost: float = 0.0) -> None:
        self.now_s = 0.0
        self.sent_bytes = 0
        self.sent: Counter[str] = Counter()
        self.problems: list[str] = []
        self._phones = {phone.transport_key: phone for phone in phones}
        self._random = random
        self._lost = lost
        self._group: dict[str, int] = {}
        self._order = itertools.count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        for phone in phones:
            self._tick_at(phone, random.uniform(0.0, TICK_S))

    def part(self, groups: dict[str, int]) -> None:
        """Let only phones of one group hear each other; those without one are in group 0."""
        self._group = groups

    def run(self, seconds: float, until: Callable[[], bool] | None = None) -> bool:
        """Let time pass, until something holds where that is given; tell whether it does."""
        end_s = self.now_s + seconds
        while self._due and self._due[0][0] <= end_s:
            self.now_s, _, happen = heapq.heappop(self._due)
            happen()
            if until is not None and until():
                return True
        self.now_s = end_s
        return until is None

    def flush(self, phone: KeepingPhone) -> None:
        """Sync a phone's disk and send what it has to say."""
        if phone.node is None:
            return
        outgoing = phone.node.outgoing()
        phone.disk.sync()
        for receiver, message in outgoing:
            self.send(phone.transport_key, receiver, message)

    def send(self, sender: str, receiver: str, message: PeerMessage) -> None:
        """Send a message as its frame; count it, whether it arrives or not."""
        (frame,) = encode(message)
        self.sent_bytes += len(frame) + OVERHEAD_BYTES
        self.sent[message.kind] += len(frame) + OVERHEAD_BYTES
        if self._random.random() >= self._lost:
            self._at(
                self._random.uniform(*_DELAY_S),
                lambda: self._arrive(sender, receiver, bytes(frame)),
            )

    def _arrive(self, sender: str, receiver: str, frame: bytes) -> None:
        phone = self._phones[receiver]
        apart = self._group.get(sender, 0) != self._group.get(receiver, 0)
        if apart or phone.node is None:
            return
        message = read_incoming([frame])
        if not isinstance(message, PeerMessage):
            raise TypeError(message)
        try:
            phone.node.take(sender, message, self.now_s)
        except ReceiptError as error:
            self.problems.append(f"{receiver} refused {message.kind} of {sender}: {error}")
        self.flush(phone)

    def _tick_at(self, phone: KeepingPhone, after_s: float) -> None:
        def tick() -> None:
            if phone.node is not None:
                phone.node.tick(self.now_s)
                self.flush(phone)
            self._tick_at(phone, TICK_S)

        self._at(after_s, tick)

    def _at(self, after_s: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self.now_s + after_s, next(self._order), happen))
