"""Links in arrays are the links that were measured, whatever came and was forgotten."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.core.device import LinkProfile
from app.core.identifiers import Serial
from app.rack.paths.link_arrays import LinkArrays

ENDS = tuple(Serial(name) for name in "abcde")
ENDS_DRAWN = st.sampled_from(ENDS)
MEASURED = st.tuples(ENDS_DRAWN, ENDS_DRAWN, st.floats(1e-6, 10), st.floats(1, 1e9))
COURSE = st.lists(st.one_of(MEASURED, ENDS_DRAWN), max_size=30)


@given(COURSE, st.sets(ENDS_DRAWN))
def test_a_matrix_holds_just_what_is_known_between_its_ends(
    course: list[tuple[Serial, Serial, float, float] | Serial], ends: set[Serial]
) -> None:
    figures, known = LinkArrays(), dict[tuple[Serial, Serial], LinkProfile]()
    for came in course:
        if isinstance(came, tuple):
            sender, receiver, latency_s, rate = came
            known[sender, receiver] = LinkProfile(latency_s, rate)
            figures.put(sender, receiver, known[sender, receiver])
        else:
            figures.forget(came)
            known = {pair: link for pair, link in known.items() if came not in pair}
    matrix = figures.matrix(tuple(sorted(ends)))
    assert dict(matrix) == {pair: link for pair, link in known.items() if ends.issuperset(pair)}
    for pair in matrix:
        matrix.set(pair, LinkProfile(99.0, 9.0))
    assert all(figures.matrix(ENDS)[pair] == link for pair, link in known.items())
