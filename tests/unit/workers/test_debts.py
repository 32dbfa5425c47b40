"""What a phone owes to others, and in which turn it offers that."""

from __future__ import annotations

from workers.protocol.between_phones.replica_messages import MAXIMUM_NAMED
from workers.replicas.debts import LONGEST_REST_S, Debts

SIGNER = b"s" * 32


def digest(number: int) -> bytes:
    return number.to_bytes(32, "big")


def offered(debts: Debts, now_s: float) -> list[bytes]:
    return [each for _, _, digests in debts.due(now_s) for each in digests]


def test_what_is_never_acknowledged_keeps_nothing_else_from_being_offered() -> None:
    """A keeper that takes none of the first ones is offered all the others in turn."""
    debts, count = Debts(), 3 * MAXIMUM_NAMED + 7
    for number in range(count):
        debts.owe("keeper", digest(number), SIGNER, 0.0, sent=False)
    seen: list[bytes] = []
    for turn in range(4):
        some = offered(debts, (turn + 1) * 2 * LONGEST_REST_S)
        assert len(some) == MAXIMUM_NAMED
        seen += some
    assert {*seen} == {digest(number) for number in range(count)}
    assert seen[:count] == [digest(number) for number in range(count)]


def test_what_was_settled_is_offered_no_more() -> None:
    debts = Debts()
    for number in range(4):
        debts.owe("keeper", digest(number), SIGNER, 0.0, sent=False)
    assert offered(debts, 0.0) == [digest(number) for number in range(4)]
    assert debts.settle("keeper", digest(1))
    assert offered(debts, 2 * LONGEST_REST_S) == [digest(0), digest(2), digest(3)]
