"""Ways that nothing is sent over any more, and phones that too many had trouble with."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.core.device import LinkProfile, Route
from app.core.identifiers import HOST, Serial
from app.placement.costs.links import ring_closes
from app.rack.paths.distrusted_ways import DistrustedWays
from app.rack.paths.link_table import LinkTable
from app.testing.clocks import ManualClock
from tests.unit.rack.support import a_phone

A, B, C, D = (Serial(name) for name in "ABCD")
GOOD = LinkProfile(0.001, 1e7)


def test_only_the_way_itself_is_not_used_and_the_way_back_is() -> None:
    ways = DistrustedWays()
    ways.add((A, B))
    assert ways.of_ring((C, A, B)) == [(A, B)]
    assert ways.of_ring((B, C, A)) == ways.of_ring((B, A)) == []
    ways.forget()
    assert ways.of_ring((A, B)) == []


@given(st.sets(st.tuples(st.sampled_from("ABCDE"), st.sampled_from("ABCDE")), max_size=12))
def test_who_has_trouble_with_three_different_neighbours_stands_by(
    pairs: set[tuple[str, str]],
) -> None:
    ways, neighbours = DistrustedWays(), {name: set[str]() for name in "ABCDE"}
    for one, other in pairs:
        if one != other:
            ways.add((Serial(one), Serial(other)))
            neighbours[one].add(other)
            neighbours[other].add(one)
    for name, others in neighbours.items():
        assert (Serial(name) in ways.standing_by) == (len(others) >= 3)


def test_a_planner_takes_such_a_way_for_the_worst_and_no_ring_closes_over_it() -> None:
    table, phones = LinkTable(ManualClock()), [a_phone("A", 1), a_phone("B", 2)]
    for pair in ((A, B), (B, A), (A, HOST), (HOST, A), (B, HOST), (HOST, B)):
        table.record(*pair, GOOD, Route.DIRECT)
    assert table.is_shorter_than_by_host(A, B)
    table.distrusted.add((A, B))
    links = table.profiles(phones)
    assert links[B, A] == GOOD
    assert links[A, B].latency_s > 100 * GOOD.latency_s
    assert not table.is_shorter_than_by_host(A, B)
    assert not ring_closes(links, A, B)
    assert table.is_shorter_than_by_host(B, A)
    assert ring_closes(links, B, A)
