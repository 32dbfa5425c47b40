"""Receipts that phones keep for each other: what is kept, what is a lie, what nobody can spoil."""

from __future__ import annotations

import zlib
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.simulation.receipts.air import Air
from app.simulation.receipts.phones import KeepingPhone, SigningHost
from tests.saying import raises_telling
from workers.errors import ReceiptError
from workers.protocol.between_phones.replica_messages import (
    FAN_OUT,
    MAXIMUM_MEMBERS,
    OfferRecords,
    PutRecords,
    ShowNodes,
    TreeNode,
)
from workers.replicas import shelf as shelves
from workers.replicas.allowance import Allowances
from workers.replicas.digest_tree import DigestTree
from workers.replicas.files import MOST_DEAD_BYTES, RecordFile
from workers.replicas.members import Member, Members, Placement, SignedMembers
from workers.replicas.records import SignedRecord
from workers.replicas.shelf import Shelf

SIGNER = b"s" * 32


def chance(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - chance that repeats, no secret


def rack(count: int, seed: int = 1) -> tuple[SigningHost, list[KeepingPhone], Air]:
    """Return phones that go by one list of members, and what is between them."""
    random = chance(seed)
    host = SigningHost(random)
    phones = [KeepingPhone(number, random) for number in range(count)]
    signed = host.members(phones)
    air = Air(phones, random)
    for phone in phones:
        assert phone.node is not None
        phone.node.set_members(signed, 0.0)
        air.flush(phone)
    air.run(1.0)
    return host, phones, air


def receipt(sequence: int, what: int = 0, opening: str = "") -> SignedRecord:
    """Return what stands for a receipt: a number and something said under it."""
    digest = zlib.crc32(f"{sequence} {what}".encode()).to_bytes(4, "big") * 8
    name = opening or f"{sequence} {what}"
    return SignedRecord(1, SIGNER, sequence, name, digest, digest, b"packed", b"h" * 32)


def filled(records: list[SignedRecord]) -> Shelf:
    shelf = Shelf()
    for record in records:
        if record.digest not in shelf:
            shelf.take(record)
    return shelf


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 2)), unique=True), st.randoms())
def test_what_is_kept_does_not_depend_on_the_order_in_which_it_came(
    named: list[tuple[int, int]], random: Random
) -> None:
    records = [receipt(*each) for each in named]
    other = list(records)
    random.shuffle(other)
    one, two = filled(records), filled(other)
    assert one.tree.root == two.tree.root
    assert {*one.digests} == {*two.digests}
    assert one.conflicts == two.conflicts


def test_a_signer_without_end_pushes_out_its_oldest_records_and_no_lie(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shelves, "MOST_NUMBERS", 50)
    shelf = filled([receipt(1), receipt(1, 1), receipt(1, 2), *map(receipt, range(2, 500))])
    assert len(shelf) <= 50 + 2 * shelves.MOST_CONFLICTS
    assert {receipt(1).digest, receipt(1, 1).digest, receipt(1, 2).digest} & {*shelf.digests}
    assert len(shelf.conflicts) == 1
    assert receipt(499).digest in shelf
    assert receipt(2).digest not in shelf
    assert shelf.take(receipt(3)) == [receipt(3).digest]


def test_two_statements_on_one_opening_are_a_lie_whatever_their_numbers() -> None:
    shelf = filled([receipt(5, 0, "t"), receipt(9, 1, "t"), receipt(7, 2, "u")])
    assert [{*pair} for pair in shelf.conflicts] == [{receipt(5).digest, receipt(9, 1).digest}]


@given(st.sets(st.binary(min_size=32, max_size=32), max_size=60), st.data())
def test_trees_are_equal_where_their_records_are_and_lead_to_what_differs(
    digests: set[bytes], data: st.DataObject
) -> None:
    kept = sorted(digests)
    left_out = data.draw(st.sets(st.sampled_from(kept))) if kept else set()
    one, other = DigestTree(), DigestTree()
    for digest in kept:
        one.add(digest)
        other.add(digest)
    for digest in left_out:
        other.remove(digest)
    assert (one.root == other.root) is (not left_out)
    assert _found_by_descending(one, other) == left_out


def _found_by_descending(one: DigestTree, other: DigestTree, prefix: str = "") -> set[bytes]:
    if one.hash_of(prefix) == other.hash_of(prefix):
        return set()
    node = one.node(prefix)
    if node.complete:
        return {*node.hashes} - {*other.below(prefix)}
    deeper = (_found_by_descending(one, other, each) for each in other.differing(node))
    return set().union(*deeper)


def test_real_receipts_contradict_each_other_only_where_an_honest_phone_could_not() -> None:
    host, (phone, *_), _ = rack(4)
    first = phone.receipt(host.public_key)
    assert not first.contradicts(phone.receipt(host.public_key))
    assert first.contradicts(phone.receipt(host.public_key, sequence=first.sequence))
    one, two = (phone.receipt(host.public_key, nonce="ab" * 16) for _ in range(2))
    assert one.contradicts(two)
    assert SignedRecord.read(one.packed) == one
    assert host.head(7).contradicts(host.head(7))
    assert not host.head(7).contradicts(host.head(8))


def test_no_record_is_read_that_its_signer_did_not_sign_or_that_swells() -> None:
    host, (phone, other, *_), _ = rack(4)
    record = phone.receipt(host.public_key)
    whole = zlib.decompress(record.packed)
    forged = (
        b"not deflated",
        zlib.compress(b"\1" + bytes(1 << 22)),
        record.packed + b"more",
        zlib.compress(whole[:1] + other.public_key + whole[33:]),
        zlib.compress(whole[:-9] + b"0" + whole[-8:]),
        zlib.compress(b"\7" + whole[1:]),
        zlib.compress(b"\2" + whole[1:]),
        zlib.compress(b"\3" + whole[1:]),
    )
    for packed in forged:
        with pytest.raises(ReceiptError):
            SignedRecord.read(packed)


def test_a_list_counts_as_its_host_signed_it_and_two_of_a_number_are_a_lie() -> None:
    host, phones, _ = rack(4)
    one, two = host.members(phones), host.members(phones[1:], anew=False)
    told = one.members.statement, one.signature, one.members.listing
    assert SignedMembers.read(*told).members == one.members
    assert SignedRecord.of_members(one).contradicts(SignedRecord.of_members(two))
    for altered in (
        (told[0], bytes(64), told[2]),
        (told[0], told[1], two.members.listing),
        (told[0] + b" ", told[1], told[2]),
        (told[0], told[1], b"[]"),
    ):
        with pytest.raises(ReceiptError):
            SignedMembers.read(*altered)
    twice = Members(one.members.host_key, 1, (phones[0].member,) * 2)
    with raises_telling(ReceiptError, match="names one phone twice"):
        SignedMembers.read(*_signed(host, twice))


def _signed(host: SigningHost, members: Members) -> tuple[bytes, bytes, bytes]:
    signed = SignedMembers.made(members, host.sign)
    return members.statement, signed.signature, members.listing


def test_few_signers_change_keepers_where_a_phone_goes() -> None:
    random = chance(3)
    host, phones = SigningHost(random), [KeepingPhone(each, random) for each in range(40)]
    before, after = (
        Placement(host.members(phones).members),
        Placement(host.members(phones[1:]).members),
    )
    gone = phones[0].transport_key
    moved = [
        phone
        for phone in phones
        if gone not in before.keepers(phone.public_key)
        and before.keepers(phone.public_key) != after.keepers(phone.public_key)
    ]
    assert not moved
    assert all(
        phone.transport_key not in before.keepers(phone.public_key)
        and len(before.keepers(phone.public_key)) == 3
        for phone in phones
    )


def test_a_receipt_is_stored_once_two_others_have_it_and_kept_by_three() -> None:
    host, phones, air = rack(6)
    phone = phones[0]
    assert phone.node is not None
    record = phone.receipt(host.public_key)
    phone.node.publish(record, air.now_s)
    assert not phone.node.is_stored(record.digest)
    air.flush(phone)
    air.run(2.0)
    assert phone.node.is_stored(record.digest)
    assert sum(each.disk.holds(record.digest) for each in phones) == 3
    assert not phone.disk.holds(record.digest)


def test_where_keepers_are_away_others_stand_in_and_hand_over() -> None:
    host, phones, air = rack(8)
    phone = phones[0]
    signed = host.members(phones)
    for each in phones:
        assert each.node is not None
        each.node.set_members(signed, air.now_s)
    keepers = Placement(signed.members).keepers(phone.public_key)
    away = [each for each in phones if each.transport_key in keepers]
    for each in away:
        each.node = None
    assert phone.node is not None
    record = phone.receipt(host.public_key)
    phone.node.publish(record, air.now_s)
    air.flush(phone)
    assert air.run(30.0, lambda: phone.node is not None and phone.node.is_stored(record.digest))
    for each in away:
        each.restart(signed, air.now_s)
    assert air.run(30.0, lambda: all(each.disk.holds(record.digest) for each in away))
    assert air.run(60.0, lambda: sum(each.disk.holds(record.digest) for each in phones) == 3)


def test_nobody_keeps_what_no_phone_of_the_ledger_signed_or_of_another_ledger() -> None:
    host, phones, air = rack(5)
    stranger = KeepingPhone(9, chance(9))
    keeper = phones[1]
    for record in (
        stranger.receipt(host.public_key),
        phones[0].receipt(stranger.public_key),
    ):
        air.send(
            phones[0].transport_key, keeper.transport_key, PutRecords((record.packed,), answer=True)
        )
        air.run(1.0)
        assert not keeper.disk.holds(record.digest)


def test_who_sends_without_end_is_not_listened_to_and_others_are() -> None:
    allowances = Allowances()
    assert allowances.may("a", 0.0)
    allowances.charge("a", 1 << 30)
    assert not allowances.may("a", 1.0)
    assert allowances.may("b", 1.0)
    assert allowances.may("a", 1.0 + (1 << 30) / (256 << 10))


@given(
    st.text(max_size=63),
    st.booleans(),
    st.lists(st.binary(min_size=16, max_size=32), max_size=FAN_OUT),
)
def test_a_node_of_any_make_is_answered_within_bounds(
    prefix: str,
    complete: bool,  # noqa: FBT001 - drawn
    hashes: list[bytes],
) -> None:
    _, phones, air = RACK
    keeper = phones[1]
    assert keeper.node is not None
    node = TreeNode(prefix, complete, tuple(hashes))
    for signer in (each.public_key for each in phones):
        keeper.node.take(phones[0].transport_key, ShowNodes(signer, (node,)), air.now_s)
    assert len(keeper.node.outgoing()) <= 4 * len(phones)


RACK = rack(5)


def test_an_offer_of_what_is_there_is_acknowledged_and_no_more_is_asked_for() -> None:
    host, phones, air = rack(5)
    record = phones[0].receipt(host.public_key)
    assert phones[0].node is not None
    phones[0].node.publish(record, air.now_s)
    air.flush(phones[0])
    air.run(2.0)
    keeper = next(each for each in phones if each.disk.holds(record.digest))
    assert keeper.node is not None
    keeper.node.outgoing()
    keeper.node.take(
        phones[0].transport_key, OfferRecords(record.signer, (record.digest,)), air.now_s
    )
    (answer,) = keeper.node.outgoing()
    assert answer[1].kind == "have-records"


def test_records_outlive_a_torn_write_and_a_file_is_written_anew_when_much_is_dead(
    tmp_path: Path,
) -> None:
    host, phones, _ = rack(4)
    records = [phones[0].receipt(host.public_key) for _ in range(5)]
    file = RecordFile(tmp_path / "a.records")
    for record in records:
        file.add(record)
    file.sync()
    file.close()
    with (tmp_path / "a.records").open("ab") as torn:
        torn.write(b"\0\0\0\x40half")
    again = RecordFile(tmp_path / "a.records")
    assert [each.digest for each in again.records()] == [each.digest for each in records]
    for _ in range(MOST_DEAD_BYTES // again.size_bytes + 2):
        for record in records:
            again.drop(record.digest)
            again.add(record)
    again.sync()
    assert again.size_bytes < MOST_DEAD_BYTES
    assert again.read(records[2].digest) == records[2].packed
    again.close()
    assert (tmp_path / "a.records").stat().st_mode & 0o077 == 0


def test_a_damaged_record_is_passed_over_and_the_others_are_there(tmp_path: Path) -> None:
    host, phones, _ = rack(4)
    records = [phones[0].receipt(host.public_key) for _ in range(3)]
    path = tmp_path / "a.records"
    file = RecordFile(path)
    for record in records:
        file.add(record)
    file.sync()
    file.close()
    data = bytearray(path.read_bytes())
    data[60] ^= 1
    path.write_bytes(data)
    found = RecordFile(path).records()
    assert [each.digest for each in found] == [each.digest for each in records[1:]]


def test_a_list_has_room_for_as_many_phones_as_a_message_may_name() -> None:
    random = chance(5)
    host = SigningHost(random)
    many = tuple(Member(f"{number:064x}", f"{number:040d}") for number in range(MAXIMUM_MEMBERS))
    signed = SignedMembers.made(Members(host.public_key.hex(), 1, many), host.sign)
    told = signed.members.statement, signed.signature, signed.members.listing
    assert SignedMembers.read(*told).members.members == many
