"""A chart as a file: picture, drawing or figures."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from PySide6.QtCore import QPoint
from PySide6.QtGui import QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QWidget

from app.core.errors import BadInputError, reason_of
from app.core.identifiers import Serial
from app.ui.charts.statistics import Curve

FORMATS = ("png", "svg", "csv")
Series = Mapping[Serial, tuple[str, Curve]]
"""By phone: what it is called, and its points, values in the chart's unit."""


def export(path: Path, whole: QWidget, unit: str, series: Series) -> None:
    """Write a file of the form that its name ends with.

    Picture and drawing show the chart with its legend, a CSV has one line a point. Raises
    `BadInputError` for another name, or where it cannot be written.
    """
    kind = path.suffix.lower().lstrip(".")
    try:
        if kind == "csv":
            with path.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows(_lines(unit, series))
        elif kind == "svg":
            _draw(path, whole)
        elif kind != "png":
            raise BadInputError("file.unknown_form", path=path.name, forms=FORMATS)
        elif not whole.grab().save(str(path)):
            raise BadInputError("file.not_written", path=str(path), reason="")
    except OSError as error:
        reason = reason_of(error)
        raise BadInputError("file.not_written", path=str(path), reason=reason) from None


def _draw(path: Path, whole: QWidget) -> None:
    """Draw a chart with lines that stay sharp at any size. Raises `OSError`."""
    path.touch()
    drawing = QSvgGenerator()
    drawing.setFileName(str(path))
    drawing.setSize(whole.size())
    drawing.setViewBox(whole.rect())
    painter = QPainter(drawing)
    try:
        whole.render(painter, QPoint())
    finally:
        painter.end()


def _lines(unit: str, series: Series) -> Iterable[tuple[object, ...]]:
    yield ("serial", "phone", "seconds", unit)
    for serial, (name, line) in series.items():
        for age_s, value in zip(line.ages_s, line.values, strict=True):
            yield (str(serial), name, f"{age_s:.3f}", f"{value:.6g}")
