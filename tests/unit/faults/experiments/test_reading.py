"""Files of experiments: those that are shipped are good, and a bad one says what is wrong."""

from pathlib import Path

import pytest

from app.core.assets import ASSETS
from app.core.errors import BadInputError
from app.faults.experiments.reading import LARGEST_BYTES, experiment_of, read_experiment
from app.faults.kinds import FaultKind
from tests.saying import raises_saying

SHIPPED = sorted((ASSETS / "experiments").glob("*.toml"))
FAULT = '[[faults]]\nkind = "crash"\ntarget = "phone:1"\n'


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_experiment_can_be_read(path: Path) -> None:
    assert read_experiment(path).faults


def test_a_file_says_faults_dose_workload_and_repeats() -> None:
    text = (
        'name = "x"\nrepeat = 3\nseed = 9\n[workload]\ntokens = 5\naudit_rate = 0.5\n'
        '[[faults]]\nkind = "noise"\ntarget = "stage:last"\ntoken = 4\namount = 0.1\nshare = 0.25\n'
    )
    experiment = experiment_of(text, "x.toml")
    (fault,) = experiment.faults
    assert (experiment.repeat, experiment.seed, experiment.workload.tokens) == (3, 9, 5)
    assert (fault.kind, fault.token, fault.amount, fault.share) == (FaultKind.NOISE, 4, 0.1, 0.25)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name = ", "cannot be read"),
        ('name = "x"\n', "faults"),
        ('name = ""\n' + FAULT, "'name' must be from 1 to 120"),
        ('name = "x"\nrepeat = 0\n' + FAULT, "'repeat' must be from 1 to 20"),
        ('name = "x"\nrepeat = true\n' + FAULT, "repeat"),
        ('name = "x"\nduration_s = nan\n' + FAULT, "duration_s"),
        ('name = "x"\nspeed = 1\n' + FAULT, "unknown key 'speed'"),
        ('name = "x"\n' + FAULT + "color = 1\n", r"unknown key 'faults\[1\].color'"),
        ('name = "x"\n' + FAULT + "share = 0.5\n", "cannot show in a share"),
        ('name = "x"\n' + FAULT.replace("crash", "melt"), "faults.0.kind"),
        ('name = "x"\n' + FAULT.replace("phone:1", "phone:0"), "no target"),
        ('name = "x"\n' + FAULT.replace("phone:1", "host"), "no target"),
        ('name = "x"\n' + FAULT + "after_s = 1e9\n", r"faults\[1\].after_s"),
        ('name = "x"\nworkload = 3\n' + FAULT, "workload"),
        ('name = "x"\nfaults = 3\n', "faults"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: str, why: str) -> None:
    with raises_saying(BadInputError, match=why) as caught:
        experiment_of(text, "x.toml")
    assert "\n" not in str(caught.value)


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.toml"
    path.write_text("#" * (LARGEST_BYTES + 1))
    with raises_saying(BadInputError, match="larger than an experiment may be"):
        read_experiment(path)
    with raises_saying(BadInputError, match="cannot be read"):
        read_experiment(tmp_path / "none.toml")
