"""Phones that keep receipts with one that floods, lies or leaves: what it costs the others."""

from __future__ import annotations

import threading
from pathlib import Path
from random import Random

import pytest

from app.simulation.receipts.phones import KeepingPhone, SigningHost
from tests.unit.workers.test_replicas import SIGNER, chance, filled, rack, receipt
from workers.protocol.between_phones.replica_messages import (
    FAN_OUT,
    PeerMessage,
    PutRecords,
    ShowNodes,
    ShowRoots,
    SignerRoot,
    TellMembers,
    TreeNode,
)
from workers.protocol.codec import encode
from workers.replicas import node as nodes
from workers.replicas.digest_tree import DigestTree
from workers.replicas.files import RecordFile
from workers.replicas.members import SignedMembers
from workers.replicas.node import ReplicaNode
from workers.replicas.records import SignedRecord
from workers.replicas.replicas import Replicas


def told(signed: SignedMembers) -> TellMembers:
    members = signed.members
    return TellMembers(members.statement, signed.signature, members.listing)


def test_a_phone_tells_others_of_the_list_that_it_is_no_longer_on() -> None:
    host, phones, _ = rack(4)
    signed = host.members(phones[1:])
    node = phones[1].node
    assert node is not None
    node.take(phones[0].transport_key, told(signed), 2.0)
    assert node.members is not None
    assert node.members.members.number == signed.members.number


class CountedDigest(bytes):
    """A digest that counts how often it is compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        CountedDigest.compared += 1
        return bytes.__eq__(self, other)

    def __hash__(self) -> int:
        return bytes.__hash__(self)


def test_many_statements_on_one_opening_cost_no_more_than_their_number() -> None:
    def counted(sequence: int) -> SignedRecord:
        made = receipt(sequence, sequence, "opening")
        digest = CountedDigest(made.digest)
        return SignedRecord(1, SIGNER, sequence, "opening", digest, digest, b"", b"h" * 32)

    count = 300
    shelf = filled([counted(each) for each in range(count)])
    CountedDigest.compared = 0
    shelf.take(counted(count))
    assert CountedDigest.compared < 50 * count


def test_a_node_with_the_longest_prefix_has_no_children_to_ask_for() -> None:
    tree = DigestTree()
    tree.add(bytes(32))
    node = TreeNode("0" * 63, False, (bytes(16),) * FAN_OUT)
    for each in tree.differing(node):
        encode(ShowNodes(SIGNER, (tree.node(each),)))


def published(count: int) -> tuple[ReplicaNode, str, bytes]:
    """Return a keeper of so many records, another keeper's name, and whose they are."""
    host, phones, air = rack(5)
    signer = phones[0]
    for _ in range(count):
        assert signer.node is not None
        signer.node.publish(signer.receipt(host.public_key), air.now_s)
        air.flush(signer)
    keepers: list[KeepingPhone] = []

    def all_there() -> bool:
        keepers[:] = [
            each
            for each in phones[1:]
            if each.node and len(each.node.kept.shelf(signer.public_key)) == count
        ]
        return len(keepers) == 3

    assert air.run(120.0, all_there)
    node = keepers[0].node
    assert node is not None
    node.outgoing()
    return node, keepers[1].transport_key, signer.public_key


def test_who_claims_to_have_nothing_is_not_sent_everything_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node, other, signer = published(40)
    monkeypatch.setattr(nodes, "MOST_PUT_AT_ONCE", 20)
    node.take(other, ShowNodes(signer, (TreeNode("", True, ()),)), 1000.0)
    put = [each for _, each in node.outgoing() if isinstance(each, PutRecords)]
    assert sum(len(each.records) for each in put) == 20


def test_a_signer_whose_root_is_told_often_is_answered_for_once() -> None:
    node, other, signer = published(2)
    assert node.members is not None
    members = node.members.members
    roots = (SignerRoot(signer, bytes(32)),) * 200
    node.take(other, ShowRoots(members.number, members.digest, roots), 1000.0)
    assert len([each for _, each in node.outgoing() if isinstance(each, ShowNodes)]) == 1


def test_dead_records_on_a_disk_lock_no_others_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = chance(3)
    host, phones = SigningHost(random), [KeepingPhone(number, random) for number in range(3)]
    file = RecordFile(tmp_path / "records")
    node = ReplicaNode(phones[0].public_key, file)
    node.set_members(host.members(phones), 0.0)
    old, new = (phones[1].receipt(host.public_key) for _ in range(2))
    sender = phones[1].transport_key
    node.take(sender, PutRecords((old.packed,), answer=False), 0.0)
    node.kept.drop(old.signer, old.digest)
    monkeypatch.setattr(nodes, "MOST_BYTES", file.size_bytes)
    node.take(sender, PutRecords((new.packed,), answer=False), 0.0)
    assert node.kept.has(new.signer, new.digest)
    file.close()


class NoLinks:
    """Reaches nobody."""

    def close(self) -> None:
        """Do nothing."""


def test_a_surprise_in_one_message_costs_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(1)  # noqa: S311 - chance that repeats, no secret
    host, phones = SigningHost(random), [KeepingPhone(number, random) for number in range(2)]
    begun, taken = threading.Event(), list[str]()

    def take(_node: ReplicaNode, sender: str, _message: PeerMessage, _now_s: float) -> None:
        if sender == "first":
            begun.wait()
        if sender == "odd":
            raise KeyError(sender)
        taken.append(sender)

    monkeypatch.setattr(ReplicaNode, "take", take)
    replicas = Replicas(tmp_path, phones[0].public_key, NoLinks())  # type: ignore[arg-type]
    signed = host.members(phones)
    replicas.set_members(signed, ())
    for sender in ("first", "odd", "good"):
        replicas.take(sender, told(signed))
    begun.set()
    assert replicas.ask(lambda _node: list(taken)) == ["first", "good"]
    replicas.close()
