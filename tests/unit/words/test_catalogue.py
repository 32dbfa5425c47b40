from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.core.assets import ASSETS, missing_assets
from app.core.device import DeviceState
from app.core.identifiers import Serial
from app.core.units import format_bytes
from app.faults.catalogue import Fault, FaultKind
from app.words.catalogue import (
    DOMAIN,
    LANGUAGES,
    language_of,
    language_used,
    ntr,
    tr,
    use_language,
)
from app.words.faults import fault_description, fault_word, injected_fault
from app.words.requests import settled_in_part
from app.words.states import listed, state_word, together


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    use_language("en")
    yield
    use_language("en")


def test_words_change_with_the_language_and_back() -> None:
    assert state_word(DeviceState.LOST) == "lost"
    use_language("ja")
    assert (state_word(DeviceState.LOST), language_used()) == ("接続断", "ja")
    use_language("en")
    assert state_word(DeviceState.LOST) == "lost"


def test_a_language_that_is_not_there_is_english() -> None:
    use_language("tlh")
    assert (language_used(), tr("Re-plan")) == ("en", "Re-plan")


def test_nothing_stays_nothing_in_every_language() -> None:
    for language in LANGUAGES:
        use_language(language)
        assert tr("") == ""


def test_english_has_two_plural_forms_and_japanese_one() -> None:
    one, many = "{count} dimension, norm {norm}", "{count} dimensions, norm {norm}"
    assert [ntr(one, many, count) for count in (0, 1, 2)] == [many, one, many]
    use_language("ja")
    assert len({ntr(one, many, count) for count in (0, 1, 2, 5, 11)}) == 1


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "ja_JP"}, "ja"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "de:ja:en"}, "ja"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "JA"}, "ja"),
        ({"LANGUAGE": "", "LANG": "ja_JP@modifier"}, "ja"),
    ],
)
def test_the_system_says_the_language_as_gettext_reads_it(
    environment: dict[str, str], language: str
) -> None:
    assert language_of(environment) == language


def test_an_answer_that_nobody_audited_is_not_called_audited_in_part() -> None:
    assert settled_in_part(0, 3) == "Settled, 0 of 3 stages audited: nothing was checked."
    assert "1 of 3 stages" in settled_in_part(1, 3)
    assert "1 of 1 stage audited" in settled_in_part(1, 1)
    use_language("ja")
    assert "未検証" in settled_in_part(0, 3)
    assert settled_in_part(1, 3).startswith("一部監査済み")


def test_sentences_and_names_are_set_apart_as_the_language_does() -> None:
    assert (together("One.", "Two."), listed(("A", "B"))) == ("One. Two.", "A, B")
    use_language("ja")
    assert (together("一。", "二。"), listed(("A", "B"))) == ("一。二。", "A、B")


def test_every_fault_is_described_in_words_of_its_own() -> None:
    assert len({fault_description(kind) for kind in FaultKind}) == len(FaultKind)


def test_the_compiled_catalogue_comes_with_the_program() -> None:
    assert f"translations/ja/LC_MESSAGES/{DOMAIN}.mo" not in missing_assets()
    assert (ASSETS / "translations" / "ja" / "LC_MESSAGES" / f"{DOMAIN}.mo").is_file()
    assert format_bytes(0)  # figures need no catalogue


@pytest.mark.parametrize("kind", FaultKind)
def test_a_fault_that_was_injected_is_told_without_its_code(kind: FaultKind) -> None:
    assert injected_fault(str(Fault(kind, Serial("A")))) == fault_word(kind)
    assert injected_fault(str(Fault(kind, Serial("A"), 5))) == f"{fault_word(kind)} from token 5"
