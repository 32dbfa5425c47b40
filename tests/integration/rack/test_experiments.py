"""An experiment on real phones: it finds the liar, harms nobody, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

from app.core.assets import ASSETS
from app.core.device import DeviceState
from app.core.errors import BadInputError
from app.faults.experiments.archive import ExperimentArchive
from app.faults.experiments.outcome import ExperimentVerdict
from app.faults.experiments.phases import ExperimentPhase
from app.faults.experiments.plan import Experiment, PlannedFault
from app.faults.experiments.reading import read_experiment
from app.faults.kinds import FaultKind
from app.faults.specifications import Catcher
from app.rack.commands import StartExperiment
from app.rack.faults.injected_file import FILE
from app.rack.snapshot import RackSnapshot
from tests.integration.rack.support import READY, open_virtual_rack, wait_for, wait_until
from tests.saying import raises_saying

LIAR = ASSETS / "experiments" / "liar-in-the-middle.toml"


def _is_over(snapshot: RackSnapshot) -> bool:
    status = snapshot.experiment
    return status is not None and status.phase is ExperimentPhase.FINISHED


def test_a_liar_is_found_by_an_audit_and_the_rack_is_as_before(tmp_path: Path) -> None:
    with open_virtual_rack(tmp_path, 3) as rack:
        before = wait_for(rack, lambda newest: newest.phase in READY)
        nobody = Experiment("none", (PlannedFault(FaultKind.CRASH, "phone:9"),))
        with raises_saying(BadInputError, match="No phone of this rack"):
            rack.do(StartExperiment(nobody)).result(60)
        identifier = rack.do(StartExperiment(read_experiment(LIAR))).result(60)
        with raises_saying(BadInputError, match="Another experiment is running"):
            rack.do(StartExperiment(read_experiment(LIAR))).result(60)
        unfinished = ExperimentArchive(tmp_path).read(identifier)
        assert unfinished.verdict is ExperimentVerdict.STOPPED
        wait_until(rack, lambda newest: (tmp_path / FILE).exists() or _is_over(newest))
        after = wait_until(rack, _is_over)
        assert not (tmp_path / FILE).exists()
        assert all(phone.fault is None for phone in after.phones)
        assert {phone.state for phone in after.phones} == {DeviceState.READY}
        assert after.checks.audit_rate == before.checks.audit_rate
    record = ExperimentArchive(tmp_path).read(identifier)
    assert record.verdict is ExperimentVerdict.AS_EXPECTED, record
    (cheat,) = record.cheats
    assert cheat.caught_by is Catcher.AUDIT
    assert cheat.account.stake_lost > 0
    assert record.rounds[0].number == 0
    assert [each.right for each in record.faulty[0].requests] == [True]
