"""The map's sentences: what a stage does, what a preview promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, assert_never

from app.core.assignment import Assignment, StageAssignment
from app.core.chain import Chain
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.core.units import format_bytes, format_duration, format_rate, significant
from app.placement.problem import Prediction, StagePrediction
from app.rack.compared_plans import Standing
from app.rack.snapshot import BalancingSnapshot, LayerMove
from app.words.ages import age_text
from app.words.catalogue import message, ntr, tr
from app.words.sentences import fact_text
from app.words.stage_times import MeasuredStep, is_slow, slow_ratio
from app.words.states import chain_word, listed, together

_COMPARED: Final = {
    "exact": message("Exact"),
    "LinguaLinked linear program": message("LinguaLinked linear program"),
    "equal split": message("Equal split"),
    "best phone alone": message("Best phone alone"),
}
"""By the names that the comparison gives its plans."""


def layers_text(stage: StageAssignment, chains: Sequence[Chain]) -> str:
    """Return a span in words, such as `layers 4-6`; of one of several chains with its name."""
    if len(chains) > 1:
        text = tr("{chain} {layers}")
        return text.format(chain=_chain(stage, chains), layers=_layers(stage))
    return _layers(stage)


def _layers(stage: StageAssignment) -> str:
    if stage.layer_count == 1:
        text = tr("layer {first}")
        return text.format(first=stage.first_layer)
    text = tr("layers {first}-{last}")
    return text.format(first=stage.first_layer, last=stage.last_layer)


def span_text(stage: StageAssignment, chains: Sequence[Chain]) -> str:
    """Return a span in figures, such as `4-6`; of one of several chains as `encoder 4-6`."""
    figures = str(stage.first_layer)
    if stage.layer_count > 1:
        figures += f"-{stage.last_layer}"
    if len(chains) > 1:
        return tr("{chain} {layers}").format(chain=_chain(stage, chains), layers=figures)
    return figures


def _chain(stage: StageAssignment, chains: Sequence[Chain]) -> str:
    sees = any(chain.sees for chain in chains if chain.name is stage.span.chain)
    return tr("vision") if sees else chain_word(stage.span.chain)


def span_title(phone: str, stage: StageAssignment, chains: Sequence[Chain]) -> str:
    """Return whose layers a menu is about."""
    return tr("{phone}: {layers}").format(phone=phone, layers=layers_text(stage, chains))


def totals_text(prediction: Prediction) -> str:
    """Return what all stages of an assignment take together."""
    words = tr(
        "Together: {compute} of computing, {ways} on the way, {needs} needed, {push} to push."
    )
    stages = prediction.stages
    text = words.format(
        compute=format_duration(sum(stage.compute_s for stage in stages)),
        ways=format_duration(sum(stage.hop_s for stage in stages) if len(stages) > 1 else 0.0),
        needs=format_bytes(sum(stage.needed_bytes for stage in stages)),
        push=format_bytes(prediction.push_bytes),
    )
    return together(text, room_text(prediction))


def room_text(prediction: Prediction) -> str:
    """Return how much text the phones' memory could keep; nothing where none is kept."""
    if prediction.room_tokens is None:
        return ""
    words = tr("Memory for {tokens} tokens of text in all, {each} each of {streams} texts.")
    each = prediction.room_tokens // prediction.streams
    return words.format(
        tokens=f"{prediction.room_tokens:,}", each=f"{each:,}", streams=prediction.streams
    )


def price_text(prediction: Prediction) -> str:
    """Return what a token of an assignment is bought for."""
    price = f"{round(prediction.price_per_token):,}"
    return tr("{price} micro-credits a token").format(price=price)


def holders_text(assignment: Assignment, names: Mapping[Serial, str]) -> str:
    """Return who holds which layers, such as `Pixel 8 layers 0-3, Galaxy A54 layers 4-7`."""
    return listed(
        f"{names.get(stage.serial, stage.serial)} {layers_text(stage, assignment.chains)}"
        for stage in assignment.stages
    )


def assignment_text(assignment: Assignment, names: Mapping[Serial, str]) -> str:
    """Return who holds which layers, such as `Pixel 8: 0-3, Galaxy A54: 4-7`."""
    return listed(
        f"{names.get(stage.serial, str(stage.serial))}: {span_text(stage, assignment.chains)}"
        for stage in assignment.stages
    )


def layers_by_phone(assignment: Assignment | None) -> dict[Serial, str]:
    """Return each phone's layers in words; none without an assignment."""
    if assignment is None:
        return {}
    return {stage.serial: layers_text(stage, assignment.chains) for stage in assignment.stages}


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


def hop_time(hop_s: float, *, leads_back: bool) -> str:
    """Return how long the way to the next phone takes, such as `→ 4.10 ms`."""
    return f"{'↩' if leads_back else '→'} {format_duration(hop_s)}"


def hop_text(hop_s: float, sender: str, receiver: str, *, leads_back: bool) -> str:
    """Return what a way between two bars stands for."""
    text = (
        tr("{sender} back to {receiver}, for the next token: {time} predicted")
        if leads_back
        else tr("{sender} to {receiver}: {time} predicted")
    )
    return text.format(sender=sender, receiver=receiver, time=format_duration(hop_s))


def measured_text(measured: MeasuredStep | None) -> str:
    """Return how long the last step took, and how long ago where that is not now."""
    if measured is None:
        return "-"
    words = f"{significant(measured.stage_ms)} ms"
    if measured.recent:
        return words
    old = tr("{time}, {age} ago")
    return old.format(time=words, age=age_text(measured.age_s))


def ratio_text(
    predicted: StagePrediction | None, measured: MeasuredStep | None, *, writes: bool = True
) -> str:
    """Return the sentence behind the figure under a bar, empty where nothing is predicted.

    `writes` is whether the model writes tokens.
    """
    if predicted is None:
        return ""
    line = tr("Predicted {predicted} a token.")
    if not writes:
        line = tr("Predicted {predicted} for a text of one token.")
    words = line.format(predicted=format_duration(predicted.compute_s))
    ratio = slow_ratio(predicted, measured)
    if ratio is None or measured is None:
        return words
    text = tr("{words} The last step took {measured}: {ratio:.1f} times as long.")
    return text.format(words=words, measured=measured_text(measured), ratio=ratio)


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
    push = tr("push {size}")
    return f"{words}  ·  {push.format(size=format_bytes(prediction.push_bytes))}"


def _speed_line(prediction: Prediction) -> str:
    if prediction.writes:
        return ntr(
            "{latency} a token  ·  {rate} with {streams} stream",
            "{latency} a token  ·  {rate} with {streams} streams",
            prediction.streams,
        )
    return tr("{latency} for a text of one token  ·  {rate} with {streams} at once")


def streams_text(prediction: Prediction) -> str:
    """Return a plan's rate and with how many streams at a time."""
    rate = format_rate(prediction.streams_tokens_per_second, prediction.rate_unit)
    return tr("{rate} with {streams}").format(rate=rate, streams=prediction.streams)


def share_with(phone: str) -> str:
    """Return the action that gives a phone half of a span."""
    return tr("Share with {phone}").format(phone=phone)


def cannot_be_used(phone: str) -> str:
    """Return why a phone cannot be dropped there."""
    return tr("{phone} cannot be used now").format(phone=phone)


def swap_layers(phone: str) -> str:
    """Return what a drop does where the two phones swap."""
    return tr("swap layers with {phone}").format(phone=phone)


def trade_places(phone: str) -> str:
    """Return what a drop does where one phone takes the other's place."""
    return tr("trade places with {phone}").format(phone=phone)


def take_half(phone: str) -> str:
    """Return what a drop does where the phone takes half of a span."""
    return tr("take half the layers of {phone}").format(phone=phone)


def compared_plan(name: str) -> str:
    """Return what a compared plan is called."""
    words = _COMPARED.get(name)
    return name if words is None else tr(words)


def standing_text(standing: Standing) -> str:
    """Return what may be said of a plan, empty where there is nothing to say."""
    match standing:
        case Standing.NONE:
            return ""
        case Standing.PROVEN:
            return tr("proven best")
        case Standing.PROVEN_OF_ALL_PHONES:
            return tr("proven among plans that use all phones")
        case Standing.PROVEN_WITH_PINS:
            return tr("proven among plans that keep the pins")
        case Standing.PROVEN_OF_ALL_PHONES_WITH_PINS:
            return tr("proven among plans that use all phones and keep the pins")
        case Standing.PROVEN_WITH_CONDITIONS:
            return tr("proven among plans that keep all that is asked of them")
        case Standing.NOT_PROVEN:
            return tr("not proven")
        case Standing.TOO_SLOW:
            return tr("slower than is asked for: no phones are so quick")
        case Standing.LEAVES_PHONES_OUT:
            return tr("leaves out phones that are to be used")
        case Standing.BREAKS_PINS:
            return tr("breaks the pins")
        case Standing.BREAKS_CONDITIONS:
            return tr("breaks what is asked of every plan")
        case _:
            assert_never(standing)


def move_fact(move: LayerMove, names: Mapping[Serial, str]) -> Fact:
    """Return why layers moved, or what came of it once that is known."""
    if move.rate_before is None or move.rate_after is None or move.stall_s is None:
        return Fact("balance.moves", causes=_causes(move, names))
    return Fact(
        "balance.brought", before=move.rate_before, after=move.rate_after, stall=move.stall_s
    )


def proposal_fact(move: LayerMove, names: Mapping[Serial, str]) -> Fact:
    """Return why layers are to move and what is promised."""
    causes = _causes(move, names)
    if move.promised_gain <= 0:
        return Fact("balance.spares", causes=causes)
    return Fact("balance.proposed", causes=causes, gain=move.promised_gain)


def balancing_line(balancing: BalancingSnapshot, names: Mapping[Serial, str]) -> str:
    """Return what is proposed, else what moved last; empty where nothing ever did."""
    if balancing.proposal is not None:
        return fact_text(proposal_fact(balancing.proposal, names))
    return fact_text(move_fact(balancing.moves[-1], names)) if balancing.moves else ""


def _causes(move: LayerMove, names: Mapping[Serial, str]) -> tuple[Fact, ...]:
    return tuple(cause.fact(names.get(cause.serial, cause.serial)) for cause in move.causes)
