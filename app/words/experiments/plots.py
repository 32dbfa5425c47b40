"""Plots of a pass as SVG: how the text grew, and what each stage took; marks of what happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from app.faults.experiments.outcome import Happening, Round
from app.words.catalogue import tr

WIDTH: Final = 880
HEIGHT: Final = 240
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 14, 34
COLOURS: Final = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
    "#999933",
    "#882255",
)
"""Okabe and Ito's, which colour-blind people can tell apart."""
MARKED: Final = frozenset({"fault", "slash", "failover", "audit-failed", "move"})
MOST_MARKS: Final = 60


@dataclass(frozen=True)
class Line:
    """One curve with its name."""

    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


def tokens_plot(one: Round, control: Round | None) -> str:
    """Return how many tokens had come by when."""
    lines = [
        Line(tr("text {number}").format(number=number), _counted(request.token_times_s))
        for number, request in enumerate(one.requests, start=1)
    ]
    if control is not None and control.requests:
        times = control.requests[0].token_times_s
        lines.append(Line(tr("without faults"), _counted(times), dashed=True))
    return plot(lines, one.happenings, tr("tokens"))


def stages_plot(one: Round, names: dict[str, str]) -> str:
    """Return what each phone took for its stage, token by token."""
    lines = [Line(names.get(each.serial, each.serial), each.points) for each in one.stages]
    return plot(lines, one.happenings, "ms")


def plot(lines: Sequence[Line], happenings: Iterable[Happening], unit: str) -> str:
    """Return curves over seconds, with a mark for each thing that happened."""
    marks = [each for each in happenings if each.kind in MARKED][:MOST_MARKS]
    moments = [x for line in lines for x, _ in line.points] + [each.at_s for each in marks]
    most_s = max(moments, default=0.0) or 1.0
    most = max((y for line in lines for _, y in line.points), default=0.0) or 1.0
    parts = [_axes(most_s, most, unit)]
    parts += [_mark(each, most_s) for each in marks]
    parts += [_curve(line, number, most_s, most) for number, line in enumerate(lines)]
    legend = "".join(_legend(line, number) for number, line in enumerate(lines))
    drawn = "".join(parts)
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{drawn}</svg>'
        f'<figcaption class="legend">{legend}</figcaption></figure>'
    )


def _counted(times: Sequence[float]) -> list[tuple[float, float]]:
    return [(at_s, float(count)) for count, at_s in enumerate(times, start=1)]


def _x(at_s: float, most_s: float) -> float:
    return LEFT + at_s / most_s * (WIDTH - LEFT - RIGHT)


def _y(value: float, most: float) -> float:
    return HEIGHT - BOTTOM - value / most * (HEIGHT - TOP - BOTTOM)


def _axes(most_s: float, most: float, unit: str) -> str:
    floor = HEIGHT - BOTTOM
    drawn = f'<path class="axis" d="M{LEFT} {TOP}V{floor}H{WIDTH - RIGHT}"/>'
    for part in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = _x(part * most_s, most_s), _y(part * most, most)
        drawn += (
            f'<text x="{x:.1f}" y="{floor + 16}" text-anchor="middle">{part * most_s:.1f} s</text>'
        )
        if part:
            drawn += f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        drawn += f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{part * most:.3g}</text>'
    return f'{drawn}<text x="{LEFT - 6}" y="{TOP - 3}" text-anchor="end">{escape(unit)}</text>'


def _curve(line: Line, number: int, most_s: float, most: float) -> str:
    if not line.points:
        return ""
    points = " ".join(f"{_x(x, most_s):.1f},{_y(y, most):.1f}" for x, y in line.points)
    dashed = ' stroke-dasharray="5 4"' if line.dashed else ""
    colour = COLOURS[number % len(COLOURS)]
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>'


def _mark(happening: Happening, most_s: float) -> str:
    x = _x(happening.at_s, most_s)
    kind = escape(happening.kind)
    return (
        f'<path class="mark {kind}" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}">'
        f"<title>{kind} {happening.at_s:.1f} s</title></path>"
    )


def _legend(line: Line, number: int) -> str:
    colour = COLOURS[number % len(COLOURS)]
    return f'<span><i style="background:{colour}"></i>{escape(line.name)}</span>'
