"""Curves that are kept between pictures are those that are made anew."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.core.identifiers import Serial
from app.rack.snapshot import StageSample
from app.ui.charts.recent import RecentLine, RecentLines
from app.ui.charts.statistics import curve, figures

steps = st.lists(
    st.tuples(st.floats(0.0, 40.0), st.none() | st.floats(0.0, 9.0), st.booleans()), max_size=40
)


def value(sample: StageSample) -> float | None:
    return sample.stage_ms


@given(steps)
def test_what_is_kept_is_what_is_made_anew_whatever_comes(
    taken: list[tuple[float, float | None, bool]],
) -> None:
    kept, samples, now_s = RecentLine(value), list[StageSample](), 0.0
    for wait_s, stage_ms, is_same in taken:
        if is_same and samples:  # the newest tenth of a second is still being filled
            samples[-1] = StageSample(samples[-1].at_s, stage_ms, None)
        else:
            now_s += wait_s
            samples.append(StageSample(now_s, stage_ms, None))
        kept.take(tuple(samples), now_s)
        assert kept.curve(now_s) == curve(samples, now_s, value)


def test_a_rack_that_begins_again_is_taken_anew() -> None:
    kept = RecentLine(value)
    kept.take((StageSample(50.0, 1.0, None),), 50.0)
    kept.take((StageSample(3.0, 2.0, None),), 3.0)
    assert kept.curve(3.0).values == (2.0,)
    kept.take((), 4.0)
    assert kept.curve(4.0).values == ()


def test_all_phones_have_figures_at_once_and_new_ones_by_turns() -> None:
    serials = [Serial(f"P{number}") for number in range(60)]
    lines = RecentLines(value)

    def told(at_s: float, stage_ms: float) -> set[float]:
        samples = {serial: (StageSample(at_s, stage_ms, None),) for serial in serials}
        found = lines.take(samples, serials, serials[:4], at_s)
        assert all(found[serial].figures == figures((stage_ms,)) for serial in serials[:4])
        return {line.figures.now for line in found.values() if line.figures}

    assert told(1.0, 5.0) == {5.0}
    assert told(100.0, 7.0) == {5.0, 7.0}
    for _ in range(4):
        last = told(100.0, 7.0)
    assert last == {7.0}
