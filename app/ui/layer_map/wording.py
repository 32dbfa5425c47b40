"""The map's sentences: what a stage does, what a preview promises."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication

from app.core.assignment import Assignment, StageAssignment
from app.core.identifiers import Serial
from app.core.units import format_bytes, format_duration, format_rate, significant
from app.placement.problem import Prediction, StagePrediction
from app.rack.comparison import Standing
from app.ui.layer_map.state import SLOW_EXCESS_MS, SLOW_RATIO


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


def blocked_text(predicted: StagePrediction | None) -> str:
    """Return what a span lacks to fit its phone, empty where it fits."""
    if predicted is None or predicted.fits:
        return ""
    text = QCoreApplication.translate("Map", "needs {size} more")
    return text.format(size=format_bytes(-predicted.headroom_bytes))


def stage_text(predicted: StagePrediction | None, measured_ms: float | None) -> str:
    """Return a stage's predicted time and how the measured one compares, `4.10 ms  1.2x`."""
    if predicted is None:
        return f"{significant(measured_ms)} ms" if measured_ms is not None else ""
    text = format_duration(predicted.compute_s)
    ratio = slow_ratio(predicted, measured_ms)
    return (
        text
        if ratio is None
        else f"{text}  {ratio:.1f}x{' !' if is_slow(predicted, measured_ms) else ''}"
    )


def ratio_text(
    predicted: StagePrediction | None, measured_ms: float | None, *, writes: bool = True
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
    ratio = slow_ratio(predicted, measured_ms)
    if ratio is None or measured_ms is None:
        return words
    text = QCoreApplication.translate(
        "Map", "{words} The last step took {measured}: {ratio:.1f} times as long."
    )
    measured = format_duration(measured_ms / 1e3)
    return text.format(words=words, measured=measured, ratio=ratio)


def slow_ratio(predicted: StagePrediction | None, measured_ms: float | None) -> float | None:
    """Return measured over predicted time, None where either is unknown."""
    if predicted is None or measured_ms is None or predicted.compute_s <= 0:
        return None
    return measured_ms / (predicted.compute_s * 1e3)


def is_slow(predicted: StagePrediction | None, measured_ms: float | None) -> bool:
    """Whether a stage is slower than predicted by so much that a person should see it."""
    ratio = slow_ratio(predicted, measured_ms)
    if ratio is None or predicted is None or measured_ms is None:
        return False
    return ratio > SLOW_RATIO and measured_ms - predicted.compute_s * 1e3 > SLOW_EXCESS_MS


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
    return {
        Standing.NONE: "",
        Standing.PROVEN: tr("Map", "proven best"),
        Standing.PROVEN_OF_ALL_PHONES: tr("Map", "proven among plans that use all phones"),
        Standing.PROVEN_WITH_PINS: tr("Map", "proven among plans that keep the pins"),
        Standing.PROVEN_OF_ALL_PHONES_WITH_PINS: tr(
            "Map", "proven among plans that use all phones and keep the pins"
        ),
        Standing.NOT_PROVEN: tr("Map", "not proven"),
        Standing.LEAVES_PHONES_OUT: tr("Map", "leaves out phones that are to be used"),
        Standing.BREAKS_PINS: tr("Map", "breaks the pins"),
    }[standing]


def fit_text(prediction: Prediction) -> str:
    """Return whether everything fits, and if not, how much is missing in all."""
    if prediction.fits:
        return QCoreApplication.translate("Map", "fits")
    missing = sum(-stage.headroom_bytes for stage in prediction.stages if not stage.fits)
    text = QCoreApplication.translate("Map", "does not fit: {size} missing")
    return text.format(size=format_bytes(missing))
