"""The chart's legend: a table of figures; click hides a curve, double click shows it alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView

from app.core.identifiers import Serial
from app.ui.charts.legend_rows import LegendRow, sort_keys
from app.ui.charts.measure import ChartQuantity
from app.ui.charts.selection import Selection
from app.ui.charts.statistics import SeriesSummary
from app.ui.looks.appearance import Appearance, tabular
from app.ui.looks.spoken import spoken
from app.ui.looks.table import ROW_ROLE, Column, RowsModel, Table
from app.ui.looks.tokens import blend
from app.words.catalogue import Message, message
from app.words.window import legend_title

_UNSORTED = -1


class Legend(Table):
    """Emits that other curves are wanted; hovering a row emits its phone."""

    selection_changed = Signal()
    hovered = Signal(object)

    def __init__(self, measure: ChartQuantity, appearance: Appearance) -> None:
        self._measure = measure
        self._appearance = appearance
        self._selection = Selection()
        self._sorted_by = _UNSORTED
        self._given: tuple[LegendRow, ...] = ()
        super().__init__(RowsModel[LegendRow](self._columns(), lambda row: row.serial))
        self.setFont(tabular(self.font(), scale=0.93))
        self.verticalHeader().setDefaultSectionSize(21)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)
        spoken(self.setAccessibleName, "Figures of the phones")
        spoken(
            self.setToolTip,
            "Click: hide or show.  Double click: show alone.  Click on a title: sort.",
        )
        header = self.horizontalHeader()
        header.setMinimumSectionSize(40)
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionsClickable(True)
        header.sectionClicked.connect(self._sort_by)
        self._size_columns()
        self.clicked.connect(self._toggle)
        self.doubleClicked.connect(self._solo)
        self.entered.connect(lambda index: self.hovered.emit(_serial(index)))
        self.viewportEntered.connect(lambda: self.hovered.emit(None))

    def drawn(self, serials: Sequence[Serial]) -> frozenset[Serial]:
        """Return whose curves to draw."""
        return self._selection.drawn(serials)

    def show_rows(self, rows: Sequence[LegendRow]) -> None:
        """Show these, in the order of the rack or of the column that was clicked."""
        self._given = tuple(rows)
        key = sort_keys(budget=self._measure.budget is not None).get(self._sorted_by)
        ordered = self._given
        if key is not None:
            ordered = tuple(sorted(ordered, key=key, reverse=self._sorted_by > 0))
        self.rows.show_rows(ordered)

    def _sort_by(self, column: int) -> None:
        """Sort by a column, figures from the largest; in the rack's order at the second click."""
        self._sorted_by = _UNSORTED if column == self._sorted_by else column
        header = self.horizontalHeader()
        header.setSortIndicatorShown(self._sorted_by != _UNSORTED)
        falling, rising = Qt.SortOrder.DescendingOrder, Qt.SortOrder.AscendingOrder
        header.setSortIndicator(column, falling if column else rising)
        self.show_rows(self._given)

    def _toggle(self, index: QModelIndex) -> None:
        self._select(self._selection.toggled(_serial(index), self._serials()))

    def _solo(self, index: QModelIndex) -> None:
        self._select(self._selection.alone(_serial(index), self._serials()))

    def _serials(self) -> list[Serial]:
        return [row.serial for row in self.rows.rows]

    def _select(self, selection: Selection) -> None:
        self._selection = selection
        self.selection_changed.emit()

    def fit(self, room: int) -> None:
        """Leave out figures, mean first, until the legend is no wider than `room` pixels."""
        last = self.rows.columnCount() - 1
        for column in range(1, last + 1):
            self.setColumnHidden(column, False)
        for column in (last - 2, last - 1, last):
            if self._wanted_width() > room:
                self.setColumnHidden(column, True)
        self.setFixedWidth(min(self._wanted_width(), max(room, 120)))

    def _wanted_width(self) -> int:
        names = self.fontMetrics().horizontalAdvance("● Pixel 7 Pro XL") + 12
        columns = range(1, self.rows.columnCount())
        return names + 14 + sum(self.columnWidth(column) for column in columns)

    def _size_columns(self) -> None:
        figure = self.fontMetrics().horizontalAdvance("0,000") + 22
        share = self.fontMetrics().horizontalAdvance("▰▰▰▰ 100%") + 14
        for column in range(1, self.rows.columnCount()):
            budget = column == 2 and self._measure.budget is not None
            self.setColumnWidth(column, share if budget else figure)

    def _columns(self) -> list[Column[LegendRow]]:
        right = Qt.AlignmentFlag.AlignRight
        columns = [
            Column[LegendRow](
                partial(legend_title, self._measure.unit),
                self._name,
                colour=self._name_colour,
            ),
            Column(message("now"), self._now_text, right, colour=self._figure_colour),
            self._figure(message("mean"), lambda figures: figures.mean),
            self._figure(message("p95"), lambda figures: figures.p95),
            self._figure(message("max"), lambda figures: figures.maximum),
        ]
        if self._measure.budget is not None:
            share = Column(message("budget"), _share_text, right, colour=self._share_colour)
            columns.insert(2, share)
        return columns

    def _now_text(self, row: LegendRow) -> str:
        return self._measure.text(row.figures.now) if row.figures and row.recent else "-"

    def _figure(self, title: Message, pick: Callable[[SeriesSummary], float]) -> Column[LegendRow]:
        def text(row: LegendRow) -> str:
            return self._measure.text(pick(row.figures)) if row.figures else "-"

        return Column(title, text, Qt.AlignmentFlag.AlignRight, colour=self._figure_colour)

    def _name(self, row: LegendRow) -> str:
        return f"{'○' if row.hidden else '●'} {row.name}"

    def _name_colour(self, row: LegendRow) -> str:
        faint = blend(row.colour, self._appearance.tokens.raised, 0.5)
        return faint if row.hidden or row.stale else row.colour

    def _figure_colour(self, row: LegendRow) -> str:
        tokens = self._appearance.tokens
        return tokens.muted if row.hidden or row.stale else tokens.text

    def _share_colour(self, row: LegendRow) -> str:
        tokens = self._appearance.tokens
        if row.figures and row.budget and row.figures.now > 0.9 * row.budget:
            return tokens.bad
        return self._figure_colour(row)


def _serial(index: QModelIndex) -> Serial:
    row: LegendRow = index.data(ROW_ROLE)
    return row.serial


def _share_text(row: LegendRow) -> str:
    if row.figures is None or not row.budget or not row.recent:
        return "-"
    share = row.figures.now / row.budget
    filled = min(round(share * 4), 4)
    return f"{'▰' * filled}{'▱' * (4 - filled)} {share:.0%}"
