"""The map's sentences: what a stage does, what a preview promises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from PySide6.QtCore import QCoreApplication

from app.core.assignment import Assignment, StageAssignment
from app.core.identifiers import Serial
from app.core.units import format_age, format_bytes, format_duration, format_rate, significant
from app.placement.problem import Prediction, StagePrediction
from app.rack.comparison import Standing
from app.ui.layer_map.state import SLOW_EXCESS_MS, SLOW_RATIO, MeasuredStep


def layers_text(stage: StageAssignment) -> str:
    """Return a span in words, such as `layers 4-6`."""
    if stage.layer_count == 1:
        text = QCoreApplication.translate("Map", "layer {first}")
        return text.format(first=stage.first_layer)
    text = QCoreApplication.translate("Map", "layers {first}-{last}")
    return text.format(first=stage.first_layer, last=stage.last_layer)


def assignment_text(assignment: Assignment, names: Mapping[Serial, str]) -> str:
    """Return who holds which layers, such as `Pixel 8: 0-3, Galaxy A54: 4-7`."""
    return ", ".join(
        f"{names.get(stage.serial, str(stage.serial))}: "
        + (
            str(stage.first_layer)
            if stage.layer_count == 1
            else f"{stage.first_layer}-{stage.last_layer}"
        )
        for stage in assignment.stages
    )


def stage_text(predicted: StagePrediction | None, measured: MeasuredStep | None) -> str:
    """Return a stage's predicted time and how one of now compares, `4.10 ms  1.2x`."""
    now = measured if measured and measured.recent else None
    if predicted is None:
        return f"{significant(now.stage_ms)} ms" if now else ""
    text = format_duration(predicted.compute_s)
    ratio = slow_ratio(predicted, now)
    if ratio is None:
        return text
    return f"{text}  {ratio:.1f}x{' !' if is_slow(predicted, now) else ''}"


def measured_text(measured: MeasuredStep | None) -> str:
    """Return how long the last step took, and how long ago where that is not now."""
    if measured is None:
        return "-"
    words = f"{significant(measured.stage_ms)} ms"
    if measured.recent:
        return words
    old = QCoreApplication.translate("Map", "{time}, {age} ago")
    return old.format(time=words, age=format_age(measured.age_s))


def ratio_text(
    predicted: StagePrediction | None, measured: MeasuredStep | None, *, writes: bool = True
) -> str:
    """Return the sentence behind the figure under a bar, empty where nothing is predicted.

    `writes` is whether the model writes tokens.
    """
    if predicted is None:
        return ""
    line = QCoreApplication.translate("Map", "Predicted {predicted} a token.")
    if not writes:
        line = QCoreApplication.translate("Map", "Predicted {predicted} for a text of one token.")
    words = line.format(predicted=format_duration(predicted.compute_s))
    ratio = slow_ratio(predicted, measured)
    if ratio is None or measured is None:
        return words
    text = QCoreApplication.translate(
        "Map", "{words} The last step took {measured}: {ratio:.1f} times as long."
    )
    return text.format(words=words, measured=measured_text(measured), ratio=ratio)


def slow_ratio(predicted: StagePrediction | None, measured: MeasuredStep | None) -> float | None:
    """Return measured over predicted time, None where either is unknown."""
    if predicted is None or measured is None or predicted.compute_s <= 0:
        return None
    return measured.stage_ms / (predicted.compute_s * 1e3)


def is_slow(predicted: StagePrediction | None, measured: MeasuredStep | None) -> bool:
    """Whether a stage is by so much slower now than predicted that a person should see it."""
    ratio = slow_ratio(predicted, measured)
    if ratio is None or predicted is None or measured is None or not measured.recent:
        return False
    return ratio > SLOW_RATIO and measured.stage_ms - predicted.compute_s * 1e3 > SLOW_EXCESS_MS


def prediction_text(
    prediction: Prediction, baseline: Prediction | None, *, pushed: bool = False
) -> str:
    """Return the preview line: latency (from, to), rate with streams, bytes still to push."""
    latency = format_duration(prediction.token_latency_s)
    before = format_duration(baseline.token_latency_s) if baseline else latency
    if before != latency:
        latency = f"{before} → {latency}"
    words = _speed_line(prediction).format(
        latency=latency,
        rate=format_rate(prediction.streams_tokens_per_second, prediction.rate_unit),
        streams=prediction.streams,
    )
    if pushed:
        return words
    push = QCoreApplication.translate("Map", "push {size}")
    return f"{words}  ·  {push.format(size=format_bytes(prediction.push_bytes))}"


def _speed_line(prediction: Prediction) -> str:
    if prediction.writes:
        return QCoreApplication.translate(
            "Map", "{latency} a token  ·  {rate} with {streams} streams"
        )
    return QCoreApplication.translate(
        "Map", "{latency} for a text of one token  ·  {rate} with {streams} at once"
    )


def standing_text(standing: Standing) -> str:
    """Return what may be said of a plan, empty where there is nothing to say."""
    tr = QCoreApplication.translate
    match standing:
        case Standing.NONE:
            return ""
        case Standing.PROVEN:
            return tr("Map", "proven best")
        case Standing.PROVEN_OF_ALL_PHONES:
            return tr("Map", "proven among plans that use all phones")
        case Standing.PROVEN_WITH_PINS:
            return tr("Map", "proven among plans that keep the pins")
        case Standing.PROVEN_OF_ALL_PHONES_WITH_PINS:
            return tr("Map", "proven among plans that use all phones and keep the pins")
        case Standing.NOT_PROVEN:
            return tr("Map", "not proven")
        case Standing.LEAVES_PHONES_OUT:
            return tr("Map", "leaves out phones that are to be used")
        case Standing.BREAKS_PINS:
            return tr("Map", "breaks the pins")
        case _:
            assert_never(standing)
