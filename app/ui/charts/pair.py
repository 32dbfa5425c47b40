"""The latency and the memory chart over one time axis."""

from __future__ import annotations

import pyqtgraph

from app.ui.charts.measure import latency, memory
from app.ui.charts.time_chart import TimeChart
from app.ui.charts.time_view import TimeView
from app.ui.looks.appearance import Appearance
from app.ui.rack_link import RackLink
from app.words.catalogue import message


def chart_pair(
    link: RackLink, appearance: Appearance, view: TimeView
) -> tuple[TimeChart, TimeChart]:
    """Return the latency chart and the memory chart."""
    pyqtgraph.setConfigOptions(antialias=True)
    first = TimeChart(
        latency(message("Slowest stage as predicted")),
        message("Stage times appear here while text is generated. Press Generate."),
        link,
        appearance,
        view,
        even=True,
    )
    second = TimeChart(
        memory(message("Smallest memory budget of a phone")),
        message("Memory in use appears here once the workers run."),
        link,
        appearance,
        view,
        even=False,
    )
    return first, second
