"""Presets of sampling: those that come along, and a person's own over restarts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtWidgets import QInputDialog

from app.core.errors import BadInputError
from app.ui.playground.preset_box import Preset, PresetBox
from app.ui.playground.presets import (
    MOST_OWN,
    MOST_STOP_LETTERS,
    OwnPreset,
    OwnPresets,
    SamplingPreset,
    Taste,
)
from app.ui.settings import Settings
from app.ui.window.main_window import MainWindow
from tests.saying import raises_saying

VALUES = OwnPreset("Short", Taste(0.35, 0.8), 20, "\\n\nAmen")


def choose(box: PresetBox, preset: Preset) -> None:
    place = next(n for n in range(box.list.count()) if box.list.itemData(n) == preset)
    box.list.setCurrentIndex(place)
    box.list.activated.emit(place)


def answer(window: MainWindow, words: str) -> None:
    dialog = window.findChildren(QInputDialog)[-1]
    dialog.setTextValue(words)
    dialog.accept()


def test_a_preset_sets_temperature_and_top_p_and_is_named_again(window: MainWindow) -> None:
    button = window.playground.sampling
    for preset in SamplingPreset:
        choose(button.presets, preset)
        assert button.sampling().temperature == preset.value.temperature
        assert button.presets.shown is preset
    button.temperature.setValue(1.7)
    assert button.presets.shown is None
    assert not button.presets.delete.isEnabled()


def test_a_preset_of_ones_own_is_saved_chosen_renamed_and_deleted(window: MainWindow) -> None:
    button, box = window.playground.sampling, window.playground.sampling.presets
    button.temperature.setValue(0.35)
    button.top_p.setValue(0.8)
    button.tokens.setValue(20)
    button.stop.setPlainText("\\n\nAmen")
    box.save.click()
    answer(window, "  Short ")
    assert box.shown == VALUES
    choose(box, SamplingPreset.INVENTIVE)
    button.tokens.setValue(200)
    choose(box, VALUES)
    assert (button.temperature.value(), button.top_p.value()) == (0.35, 0.8)
    assert (button.tokens.value(), button.sampling().stop) == (20, ("\n", "Amen"))
    box.rename.click()
    answer(window, "Terse")
    assert [each.name for each in OwnPresets(window.settings).all] == ["Terse"]
    box.delete.click()
    assert not OwnPresets(window.settings).all
    assert not box.list.currentData()
    assert button.tokens.value() == 20


def test_a_name_that_is_taken_or_empty_is_refused_in_words(window: MainWindow) -> None:
    box = window.playground.sampling.presets
    box.save_as("One")
    window.playground.sampling.tokens.setValue(7)
    box.save_as("Two")
    box.rename_to("One")
    assert "One already" in window.alert.words.text()
    box.save_as("   ")
    assert "needs a name" in window.alert.words.text()
    assert [each.name for each in box.own.all] == ["One", "Two"]


def test_saving_under_a_name_again_replaces_and_there_is_an_end_to_them(tmp_path: Path) -> None:
    own = OwnPresets(Settings(tmp_path / "window.ini"))
    for number in range(MOST_OWN):
        own.save(OwnPreset(f"P{number}", VALUES.taste, number + 1, ""))
    own.save(OwnPreset("P0", VALUES.taste, 99, ""))
    with pytest.raises(BadInputError):
        own.save(OwnPreset("one more", VALUES.taste, 1, ""))
    again = OwnPresets(Settings(tmp_path / "window.ini")).all
    assert len(again) == MOST_OWN
    assert again[0] == OwnPreset("P0", VALUES.taste, 99, "")


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)


@given(
    held=st.dictionaries(
        st.text(max_size=6),
        values
        | st.fixed_dictionaries(
            {
                "temperature": values,
                "top_p": values,
                "tokens": values,
                "stop": values | st.lists(values, max_size=3),
            }
        ),
        max_size=4,
    )
)
def test_whatever_the_file_holds_the_window_opens(
    tmp_path_factory: pytest.TempPathFactory, held: dict[str, object]
) -> None:
    settings = Settings(tmp_path_factory.mktemp("odd") / "window.ini")
    settings.keep("presets", held)
    for preset in OwnPresets(settings).all:
        assert 0 <= preset.taste.temperature <= 2
        assert preset.name in held


@given(st.text(st.sampled_from("ab\n\r\x0b\u2028 \\"), max_size=20))
def test_stops_are_read_again_as_they_were_saved(stop: str) -> None:
    with TemporaryDirectory() as folder:
        settings = Settings(Path(folder) / "window.ini")
        saved = OwnPresets(settings).save(replace(VALUES, stop=stop))
        assert OwnPresets(settings).all == [saved]


def test_stops_that_could_not_be_read_again_are_refused(tmp_path: Path) -> None:
    own = OwnPresets(Settings(tmp_path / "window.ini"))
    own.save(replace(VALUES, stop="x" * MOST_STOP_LETTERS))
    with raises_saying(BadInputError, match="at most 2,000 letters"):
        own.save(replace(VALUES, stop="x" * (MOST_STOP_LETTERS + 1)))
    assert [len(each.stop) for each in own.all] == [MOST_STOP_LETTERS]
