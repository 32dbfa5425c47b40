"""An experiment goes through its phases as the table says, whatever is asked of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.faults.experiments.phases import ALLOWED, ExperimentPhase, Phases


@given(st.lists(st.sampled_from(ExperimentPhase), max_size=12))
def test_only_allowed_phases_follow_and_nothing_ends_without_restoring(
    asked: list[ExperimentPhase],
) -> None:
    phases, seen = Phases(), [ExperimentPhase.INJECTING]
    for phase in asked:
        if phase in ALLOWED[phases.now]:
            phases.enter(phase)
            seen.append(phase)
        else:
            with pytest.raises(ValueError, match=phase.value):
                phases.enter(phase)
        assert phases.now is seen[-1]
    if ExperimentPhase.FINISHED in seen:
        assert seen[-1] is ExperimentPhase.FINISHED
        assert seen[-2] is ExperimentPhase.RESTORING
