"""Real workers keep each other's receipts: over ZeroMQ, on their disks, while some are gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.integration.workers.model import ToyModel
from tests.integration.workers.ring import Peer, Ring, WorkerProcess, running_ring, wait_until
from tests.signing import TERMS
from workers.protocol.commands import NextHop
from workers.protocol.wire import PROTOCOL_VERSION, Kind
from workers.replicas.members import Member, Members, SignedMembers
from workers.replicas.records import SignedRecord, receipt_digest

PROMPT = [1, 40, 7, 93]


class KeepingRack:
    """A ring of two and two phones beside it, which all keep receipts, and their host."""

    def __init__(self, folder: Path, ring: Ring) -> None:
        self.ring = ring
        self.key = Ed25519PrivateKey.generate()
        self.host_key = self.key.public_key().public_bytes_raw()
        bare = [
            WorkerProcess(folder / f"bare{number}", f"bare{number}", ring.keys.public_key)
            for number in range(2)
        ]
        self.workers = [*ring.workers, *bare]
        self.peers = [*ring.peers, *(ring.connect(worker, ring.keys) for worker in bare)]
        self.number = 0
        self.keys = [self.meet(peer) for peer in self.peers]

    def meet(self, peer: Peer) -> bytes:
        peer.done(Kind.ADMIT, keys=[worker.keys.public_key for worker in self.workers])
        hello = {"protocol": PROTOCOL_VERSION, "nonce": bytes(32), "host_key": self.host_key}
        return bytes(peer.done(Kind.HELLO, **hello).fields["public_key"])

    def tell(self) -> None:
        """Tell all that run of all there are, and where they are reached now."""
        self.number += 1
        listed = tuple(
            Member(key.hex(), worker.keys.public_key)
            for key, worker in zip(self.keys, self.workers, strict=True)
        )
        signed = SignedMembers.made(
            Members(self.host_key.hex(), self.number, listed), self.key.sign
        )
        running = [each for each in self.workers if each.process.poll() is None]
        ways = [list(NextHop(self.ring.endpoint(each), each.keys.public_key)) for each in running]
        fields = {
            "statement": signed.members.statement,
            "signature": signed.signature,
            "listing": signed.members.listing,
            "ways": ways,
        }
        for worker, peer in zip(self.workers, self.peers, strict=True):
            if worker in running:
                peer.done(Kind.SET_MEMBERS, **fields)

    def receipt(self) -> bytes:
        """Have the first phone sign; return the digest by which others keep that."""
        transaction = self.ring.open(terms={**vars(TERMS), "host_key": self.host_key.hex()})
        self.ring.generate(transaction, PROMPT, 2)
        sealed = self.ring.peers[0].done(Kind.SEAL, transaction=transaction, steps=2, done=2)
        for peer in self.ring.peers:
            peer.done(Kind.CLOSE, transaction=transaction, kept_steps=0)
        return receipt_digest(bytes(sealed.fields["receipt"]), self.keys[0])

    def keeps(self, place: int, digest: bytes) -> bool:
        listed = self.peers[place].done(Kind.LIST_RECORDS, after=None)
        return [self.keys[0], digest] in listed.fields["records"]

    def restart(self, place: int) -> None:
        self.workers[place].restart()
        self.peers[place] = self.ring.connect(self.workers[place], self.ring.keys)
        assert self.meet(self.peers[place]) == self.keys[place]


@pytest.fixture
def rack(tmp_path: Path, model: ToyModel) -> Iterator[KeepingRack]:
    with running_ring(tmp_path, model, ((0, 1), (2, 3))) as ring:
        rack = KeepingRack(tmp_path, ring)
        try:
            rack.tell()
            yield rack
        finally:
            for worker in rack.workers:
                worker.end()


def test_receipts_are_on_the_disks_of_others_and_phones_make_up_for_what_they_missed(
    rack: KeepingRack,
) -> None:
    first = rack.receipt()
    wait_until(lambda: all(rack.keeps(each, first) for each in (1, 2, 3)), "three keepers")
    rack.workers[2].end()
    second = rack.receipt()
    wait_until(lambda: rack.keeps(1, second) and rack.keeps(3, second), "two keepers")
    shown = rack.peers[0].done(Kind.SHOW_REPLICAS).fields
    assert (shown["unstored"], shown["owed"]) == (0, 1)
    rack.restart(2)
    rack.tell()
    wait_until(lambda: rack.keeps(2, second), "what the phone missed")
    assert rack.keeps(2, first)
    wait_until(lambda: not rack.keeps(0, second), "the signer to let go of what three keep")
    fetched = rack.peers[2].done(Kind.FETCH_RECORDS, records=[first, second]).fields["records"]
    assert [SignedRecord.read(each).digest for each in fetched] == [first, second]
