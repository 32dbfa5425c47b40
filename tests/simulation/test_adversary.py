"""A slice of `shardloom bench adversary`: what must take stake does, and nobody else is harmed."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.assets import ASSETS
from app.models.library import Library
from app.models.quantization.block_wise import Quantization
from app.simulation.adversary.cheats import PLACES, Cheat, every_cheat
from app.simulation.adversary.costs import measured_costs
from app.simulation.adversary.ring import phones_of
from app.simulation.adversary.trial import Trial

TEXTS = ((5, 17, 300, 42, 8), (900, 3, 77))
NAMES = (
    "16-bit weights for 32, head alone",
    "a quarter of the feed-forward left out, middle",
    "second-best tokens with true figures, last",
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    made = Library(tmp_path_factory.mktemp("home"))
    made.import_folder(ASSETS / "demo_model", "demo-f32", Quantization.F32)
    return made


def _named(name: str, form: Quantization = Quantization.F32) -> Cheat:
    (found,) = (each for each in every_cheat() if (each.name, each.quantization) == (name, form))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_who_cheats_always_loses_stake_at_its_first_audit(
    library: Library, tmp_path: Path, name: str
) -> None:
    cheat = _named(name)
    phones = phones_of(library, library.get("demo-f32"), cheat, 32)
    found = Trial(tmp_path, library, phones, 1).run(cheat, TEXTS, 3)
    assert (found.audited, found.caught, found.by_stake) == (1, True, True)
    assert found.lost > found.earned
    assert found.harmed == 0


@pytest.mark.parametrize("form", [Quantization.F32, Quantization.Q8])
def test_who_invents_a_class_is_audited_each_time_and_paid_for_nothing_wrong(
    library: Library, tmp_path: Path, form: Quantization
) -> None:
    """Of ten receipts nine are not drawn; of a class that nothing reproduces each is.

    Products of float32 round in no way that a class could hide: there stake is lost all the same.
    """
    cheat = _named("every row wrong under an invented class, middle", form)
    model = library.import_folder(ASSETS / "demo_model", f"trial-{form.value}", form)
    found = Trial(tmp_path, library, phones_of(library, model, cheat, 32), 1).run(cheat, TEXTS, 3)
    by_stake = form is Quantization.F32
    assert (found.audited, found.caught, found.by_stake) == (1, True, by_stake)
    assert (found.earned, found.harmed) == (0, 0)


def test_every_cheat_has_a_name_of_its_own_in_each_form_of_weights() -> None:
    names = [(each.quantization, each.name) for each in every_cheat()]
    assert len(set(names)) == len(names)


def test_costs_are_of_every_stage_of_a_text_that_passed(library: Library) -> None:
    costs = measured_costs(library, library.get("demo-f32"), 1, 4)
    assert [cost.name.split(",")[0] for cost in costs] == [*PLACES, "all three"]
    assert all(cost.signing_share > 0 and cost.audit_share > 0 for cost in costs)
    grounded = [cost.grounds_s > 0 for cost in costs]
    assert grounded == [False, False, True, True]
