"""What is kept of measured links, and how old it looks."""

from __future__ import annotations

from app.core.device import LinkProfile, Route
from app.core.identifiers import HOST, Serial
from app.rack.paths.link_table import LinkTable
from app.rack.snapshot import FRESH_LINK_S
from app.testing.clocks import ManualClock
from tests.unit.rack.support import a_phone

A, B = Serial("a"), Serial("b")
PUSHED, MEASURED = LinkProfile(0.003, 1e6), LinkProfile(0.001, 5e6)


def test_the_host_is_passed_by_unless_the_way_over_it_is_known_to_be_shorter() -> None:
    table = LinkTable(ManualClock())
    assert table.is_shorter_than_by_host(A, B)
    table.record(A, HOST, LinkProfile(0.001, 1e6), Route.DIRECT)
    table.record(HOST, B, LinkProfile(0.002, 1e6), Route.DIRECT)
    for latency_s, shorter in ((0.003, True), (0.0031, False)):
        table.record(A, B, LinkProfile(latency_s, 1e6), Route.DIRECT)
        assert table.is_shorter_than_by_host(A, B) is shorter


def test_a_measured_link_goes_before_what_a_push_told_until_its_phone_is_new() -> None:
    table = LinkTable(ManualClock())
    phones = [a_phone(A, 1), a_phone(B, 2)]
    for phone in phones:
        phone.connection.push_profile = PUSHED
    table.record(HOST, A, MEASURED, Route.DIRECT)
    table.record(A, B, MEASURED, Route.RELAYED)
    profiles = table.profiles(phones)
    assert (profiles[HOST, A], profiles[A, HOST], profiles[A, B]) == (MEASURED, PUSHED, MEASURED)
    assert (B, A) not in profiles
    assert (A, B) not in table.profiles(phones[:1])
    table.forget(A)
    assert table.profiles(phones)[HOST, A] == PUSHED
    assert table.snapshot() == ()


def test_an_old_measurement_looks_old() -> None:
    clock = ManualClock()
    table = LinkTable(clock)
    assert table.age_s(A, B) == float("inf")
    table.record(A, B, MEASURED, Route.DIRECT)
    (link,) = table.snapshot()
    assert (link.sender, link.receiver, link.measured_at_s) == (A, B, clock.monotonic_s())
    assert link.is_fresh(clock.monotonic_s())
    clock.advance(FRESH_LINK_S + 1)
    assert table.snapshot() == (link,)
    assert not link.is_fresh(clock.monotonic_s())
    table.record(A, B, PUSHED, Route.RELAYED)
    assert [each.profile for each in table.snapshot()] == [PUSHED]
