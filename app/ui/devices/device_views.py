"""The phones as rows, cards or a heat map: one list, painted in three ways."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, assert_never

from PySide6.QtCore import QObject, QSize, Qt
from PySide6.QtWidgets import QListView

from app.core.identifiers import Serial
from app.rack.snapshot import PhoneSnapshot, RackSnapshot, StageSample
from app.ui.devices.device_card import CARD, CELL, CardDelegate, CellDelegate
from app.ui.devices.device_delegate import DeviceDelegate
from app.ui.devices.device_news import DeviceNews
from app.ui.devices.tags import Tags
from app.ui.looks.appearance import Appearance
from app.ui.rack_link import RackLink
from app.words.catalogue import Message, message
from app.words.layer_map import layers_by_phone
from app.words.phones.arranging import SortBy, shown_figure, strain

_SPARK_POINTS: Final = 48
_SPARK_WINDOW_S: Final = 60.0


class DeviceView(StrEnum):
    """The ways to show phones."""

    ROWS = "rows"
    CARDS = "cards"
    HEAT_MAP = "heat-map"


def view_word(view: DeviceView) -> Message:
    """Return the key of what a way is called."""
    match view:
        case DeviceView.ROWS:
            return message("Devices as rows")
        case DeviceView.CARDS:
            return message("Devices as cards")
        case DeviceView.HEAT_MAP:
            return message("Devices as a heat map")
        case _:
            assert_never(view)


def view_sign(view: DeviceView) -> str:
    """Return the sign on its button."""
    match view:
        case DeviceView.ROWS:
            return "\N{TRIGRAM FOR HEAVEN}"
        case DeviceView.CARDS:
            return "\N{SQUARE WITH ORTHOGONAL CROSSHATCH FILL}"
        case DeviceView.HEAT_MAP:
            return "\N{BLACK SQUARE}"
        case _:
            assert_never(view)


class DeviceViews(QObject):
    """Paints a list in the way chosen, and keeps what cards and cells show up to date."""

    def __init__(
        self, shown: QListView, link: RackLink, appearance: Appearance, tags: Tags
    ) -> None:
        super().__init__(shown)
        self._list, self._link = shown, link
        self.news = DeviceNews()
        self.view = DeviceView.ROWS
        now = lambda: link.now_s  # noqa: E731 - the present, for three painters
        self._rows = DeviceDelegate(appearance, now, self.news, shown)
        self._cards = CardDelegate(appearance, now, self.news, tags.of, shown)
        self._cells = CellDelegate(appearance, self.news, shown)

    def choose(self, view: DeviceView) -> None:
        """Show the phones that way from now on."""
        self.view = view
        icons = view is not DeviceView.ROWS
        self._list.setViewMode(
            QListView.ViewMode.IconMode if icons else QListView.ViewMode.ListMode
        )
        self._list.setMovement(QListView.Movement.Static)
        self._list.setResizeMode(QListView.ResizeMode.Adjust)
        self._list.setWrapping(icons)
        self._list.setFlow(QListView.Flow.LeftToRight if icons else QListView.Flow.TopToBottom)
        delegates = {
            DeviceView.ROWS: self._rows,
            DeviceView.CARDS: self._cards,
            DeviceView.HEAT_MAP: self._cells,
        }
        sizes = {DeviceView.CARDS: CARD, DeviceView.HEAT_MAP: CELL}
        self._list.setItemDelegate(delegates[view])
        self._list.setGridSize(sizes.get(view, QSize()))
        self._list.setUniformItemSizes(True)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def take(self, snapshot: RackSnapshot, by: SortBy) -> None:
        """Take in what the rack looks like, for what cards and cells show of it."""
        self.news.standing_by = snapshot.conditions.excluded
        if self.view is DeviceView.CARDS:
            self.news.layers = layers_by_phone(snapshot.applied)
        elif self.view is DeviceView.HEAT_MAP:
            self.news.figure = shown_figure(by)
            self.news.strains = _strains(snapshot.phones, self.news.figure)

    def take_samples(self) -> None:
        """Take in the stage times of the last minute; a second old is new enough for a card."""
        if self.view is DeviceView.CARDS:
            samples, now_s = self._link.samples(), self._link.now_s
            self.news.sparks = {serial: spark(points, now_s) for serial, points in samples.items()}


def _strains(phones: Sequence[PhoneSnapshot], by: SortBy) -> dict[Serial, float | None]:
    return {phone.serial: strain(phone, by, phones) for phone in phones}


def spark(points: Sequence[StageSample], now_s: float) -> list[float]:
    """Return stage times as shares of the largest one, the largest of each while, oldest first."""
    width_s = _SPARK_WINDOW_S / _SPARK_POINTS
    most = [0.0] * _SPARK_POINTS
    for point in points:
        place = _SPARK_POINTS - 1 - int((now_s - point.at_s) / width_s)
        if 0 <= place < _SPARK_POINTS and point.stage_ms is not None:
            most[place] = max(most[place], point.stage_ms)
    largest = max(most)
    return [value / largest for value in most] if largest > 0 else []
