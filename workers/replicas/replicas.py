"""The thread that keeps receipts: it takes what others send, syncs its file once, then answers.

The main thread only hands things over: no step waits for a disk or a signature here. What does not
fit the queue is dropped, as anything between phones may be lost and is offered again.
"""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from workers.errors import ReceiptError, ReportedError, RequestRefusedError
from workers.log import LogOnce, log
from workers.network.dropped import DroppedMessages
from workers.network.links import OutboundLinks
from workers.protocol.between_phones.replica_messages import PeerMessage
from workers.protocol.codec import encode
from workers.protocol.commands import NextHop
from workers.replicas.files import RecordFile
from workers.replicas.members import SignedMembers
from workers.replicas.node import ReplicaNode
from workers.replicas.records import SignedRecord

TICK_S: Final = 0.25
MOST_QUEUED: Final = 1_024
MOST_AT_ONCE: Final = 64
MOST_LEDGERS: Final = 4
"""Of so many ledgers records are kept; the file that was touched longest ago goes first."""
ANSWER_LIMIT_S: Final = 2.0
"""How long the main thread waits for an answer; steps wait as long."""
_SUFFIX: Final = ".records"
_Found = TypeVar("_Found")
_Work = Callable[[], None]


@dataclass
class _Ledger:
    """What is kept of the ledger of the host that is served."""

    key: str
    file: RecordFile
    node: ReplicaNode


class Replicas:
    """Keeps receipts for one worker. The thread starts with the first list of members."""

    def __init__(self, folder: Path, own_key: bytes, links: OutboundLinks) -> None:
        """`links` are this store's own: they are used by its thread alone."""
        self._folder = folder
        self._own_key = own_key
        self._links = links
        self._ways: dict[str, NextHop] = {}
        self._queue: queue.Queue[_Work] = queue.Queue(MOST_QUEUED)
        self._ledger: _Ledger | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._dropped = DroppedMessages()
        self._log_once = LogOnce()

    def take(self, sender: str, message: PeerMessage) -> None:
        """Hand over what another phone says; dropped where too much waits."""
        self._hand_over(lambda: self._take(sender, message))

    def publish_receipt(self, data: bytes, signature: bytes) -> None:
        """Give a receipt that was just signed to the phones that are to keep it."""
        self._hand_over(
            lambda: self._publish(lambda: SignedRecord.of_receipt(data, signature, self._own_key))
        )

    def publish_head(self, note: str) -> None:
        """Give a head that the host showed to the phones that are to keep it."""
        self._hand_over(lambda: self._publish(lambda: SignedRecord.of_head(note)))

    def set_members(self, signed: SignedMembers, ways: Sequence[NextHop]) -> None:
        """Go by another list of members. Raises `ReportedError`."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="replicas", daemon=True)
            self._thread.start()

        def set_them() -> None:
            self._open(signed.members.host_key)
            self._ways = {way.key: way for way in ways}
            if self._ledger is not None:
                self._ledger.node.set_members(signed, time.monotonic())

        self._asked(set_them)

    def ask(self, question: Callable[[ReplicaNode], _Found]) -> _Found | None:
        """Return what the node answers, None where there is none yet. Raises `ReportedError`."""
        if self._thread is None:
            return None
        return self._asked(lambda: question(self._ledger.node) if self._ledger else None)

    def close(self) -> None:
        """End the thread; what is on the disk stays."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self._links.close()
        self._dropped.tell()

    def _hand_over(self, work: _Work) -> None:
        if self._thread is None:
            return
        try:
            self._queue.put_nowait(work)
        except queue.Full:
            self._log_once("more is said of receipts than this phone can follow: some is dropped")

    def _asked(self, question: Callable[[], _Found]) -> _Found:
        """Let the thread answer, and wait for it. Raises `ReportedError`."""
        answers: queue.Queue[_Found | Exception] = queue.Queue(1)

        def answer() -> None:
            try:
                answers.put(question())
            except (OSError, ReportedError) as error:
                answers.put(error)

        try:
            self._queue.put(answer, timeout=ANSWER_LIMIT_S)
            answer_given = answers.get(timeout=ANSWER_LIMIT_S)
        except (queue.Full, queue.Empty):
            raise ReportedError("records.unreadable", reason="busy") from None
        if isinstance(answer_given, OSError):
            raise ReportedError("records.unreadable", reason=f"{answer_given}") from None
        if isinstance(answer_given, Exception):
            raise answer_given
        return answer_given

    def _serve(self) -> None:
        try:
            while not self._stopping.is_set():
                self._turn()
        finally:
            if self._ledger is not None:
                self._ledger.file.close()

    def _turn(self) -> None:
        """Do what waits, sync once, then send."""
        try:
            works = [self._queue.get(timeout=TICK_S)]
        except queue.Empty:
            works = []
        while len(works) < MOST_AT_ONCE and not self._queue.empty():
            works.append(self._queue.get_nowait())
        for work in (*works, self._sync):
            self._done(work)

    def _done(self, work: _Work) -> None:
        """Do one piece of work; a surprise in it costs nobody else's."""
        try:
            work()
        except OSError as error:
            self._log_once(f"receipts cannot be kept: {error}")
        except Exception:  # noqa: BLE001 - the store goes on
            traceback.print_exc()

    def _sync(self) -> None:
        ledger = self._ledger
        if ledger is None:
            return
        ledger.node.tick(time.monotonic())
        outgoing = ledger.node.outgoing()
        ledger.file.sync()
        for phone, message in outgoing:
            self._send(phone, message)

    def _send(self, phone: str, message: PeerMessage) -> None:
        way = self._ways.get(phone)
        if way is None:
            return
        try:
            (frame,) = encode(message)
            self._links.connect(way)
            self._links.send(way, bytes(frame))
        except RequestRefusedError:
            return

    def _take(self, sender: str, message: PeerMessage) -> None:
        if self._ledger is None:
            return
        try:
            self._ledger.node.take(sender, message, time.monotonic())
        except ReceiptError as error:
            self._dropped.note(sender, "record", f"{error}")

    def _publish(self, make: Callable[[], SignedRecord]) -> None:
        if self._ledger is None:
            return
        try:
            record = make()
        except ReceiptError as error:
            log(f"a record cannot be kept: {error}")
            return
        if record.host_key.hex() == self._ledger.key:
            self._ledger.node.publish(record, time.monotonic(), at_once=record.is_receipt)

    def _open(self, host_key: str) -> None:
        """Open the records of a host's ledger. Raises `OSError`."""
        if self._ledger is not None:
            if self._ledger.key == host_key:
                return
            self._ledger.file.close()
            self._ledger = None
        file = RecordFile(self._folder / f"{host_key}{_SUFFIX}")
        self._ledger = _Ledger(host_key, file, ReplicaNode(self._own_key, file))
        kept = sorted(self._folder.glob(f"*{_SUFFIX}"), key=lambda path: path.stat().st_mtime)
        for path in kept[:-MOST_LEDGERS]:
            if path.stem != host_key:
                path.unlink()
