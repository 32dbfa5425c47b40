"""What a hostile phone may do with its numbers, in every place of a ring and form of weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from app.models.quantization.block_wise import Quantization
from app.simulation.adversary.cheap_graphs import (
    Change,
    in_head,
    of_4_bits,
    of_8_bits,
    of_16_bits,
    thinned,
    with_weights,
)
from workers.protocol.wire import Tensor

FIRST, MIDDLE, LAST = 0, 1, 2
FORMS: Final = (Quantization.F32, Quantization.Q8, Quantization.Q4)
STAGES: Final = 3
PLACES: Final = ("first", "middle", "last")
NOISE: Final = 1e-2
"""Of a row's largest number."""
SOMETIMES: Final = 0.2
USUAL_RATE: Final = 0.1
MOST_BY_BETS: Final = 80
"""Deviations between what passes and what is wrong keep a phone from work once bets say so."""


@dataclass(frozen=True)
class Cheat:
    """One way to compute less, or otherwise, than is signed for."""

    name: str
    quantization: Quantization
    stage: int
    cheap_graph: Callable[[Path], Path] | None = None
    """Writes what the phone runs instead, also when it is asked to run its layers again."""
    alter_rows: Callable[[Tensor], Tensor] | None = None
    """What becomes of hidden rows before they are sent and signed for."""
    alter_logits: Callable[[Tensor], Tensor] | None = None
    """What a last stage chooses and tells by."""
    alter_grounds: Callable[[Tensor], Tensor] | None = None
    """What a last stage signs that its tokens rest on."""
    invents_class: bool = False
    """Whether the phone signs for a class that nothing reproduces, so as to lose no stake."""
    audit_rate: float = 1.0
    """Usual share of receipts audited."""
    alter_choice: bool = False
    """Whether a last stage tells the second-best token, with its true figures."""
    share: float = 1.0
    """Of the requests in which it cheats, drawn at random."""
    most_audits: int = 2
    """So many audited requests may it take at the median to catch it."""


def every_cheat() -> Iterator[Cheat]:
    """Yield all of them, by the form of weights."""
    yield from _cheaper_weights()
    for quantization in FORMS:
        for stage in range(STAGES):
            place = PLACES[stage]
            yield Cheat(
                f"a quarter of the feed-forward left out, {place}",
                quantization,
                stage,
                thinned,
                most_audits=10,
            )
        yield from _altered(quantization)
    yield from _of_invented_classes()


def _cheaper_weights() -> Iterator[Cheat]:
    cheaper: tuple[tuple[Quantization, str, Change], ...] = (
        (Quantization.F32, "16-bit weights for 32", of_16_bits),
        (Quantization.F32, "8-bit weights for 32", of_8_bits),
        (Quantization.Q8, "4-bit weights for 8", of_4_bits),
    )
    for quantization, name, change in cheaper:
        for stage in range(STAGES):
            yield _weights(f"{name}, {PLACES[stage]}", quantization, stage, change)
        yield _weights(f"{name}, head alone", quantization, LAST, in_head(change))


def _of_invented_classes() -> Iterator[Cheat]:
    """Yield phones that no numbers convict, at the audit rate of a rack that sets none."""
    cheaper = ((Quantization.F32, "16-bit weights for 32", of_16_bits, 2),
               (Quantization.Q8, "4-bit weights for 8", of_4_bits, MOST_BY_BETS))  # fmt: skip
    for quantization, name, change, most in cheaper:
        cheat = _weights(f"{name} under an invented class, middle", quantization, MIDDLE, change)
        yield replace(cheat, invents_class=True, audit_rate=USUAL_RATE, most_audits=most)
    for quantization in FORMS:
        yield Cheat(
            "every row wrong under an invented class, middle",
            quantization,
            MIDDLE,
            alter_rows=_negated,
            invents_class=True,
            audit_rate=USUAL_RATE,
        )


def _weights(name: str, quantization: Quantization, stage: int, change: Change) -> Cheat:
    file = name.replace(" ", "-").replace(",", "")
    return Cheat(name, quantization, stage, partial(_with_weights, file, change))


def _with_weights(file: str, change: Change, graph: Path) -> Path:
    return with_weights(graph, file, change)


def _altered(quantization: Quantization) -> Iterator[Cheat]:
    yield Cheat("every row wrong, middle", quantization, MIDDLE, alter_rows=_negated)
    yield Cheat("every row wrong in 20 % of requests, middle", quantization, MIDDLE,
                alter_rows=_negated, share=SOMETIMES, most_audits=20)  # fmt: skip
    yield Cheat("rows off by 1 %, middle", quantization, MIDDLE, alter_rows=_noisy)
    yield Cheat("tokens and figures wrong, last", quantization, LAST, alter_logits=_rolled)
    yield Cheat("second-best tokens with true figures, last", quantization, LAST, alter_choice=True)
    yield Cheat("second-best tokens in 20 % of requests, last", quantization, LAST,
                alter_choice=True, share=SOMETIMES, most_audits=20)  # fmt: skip
    yield Cheat("false figures of right tokens, last", quantization, LAST, alter_logits=_sharper)
    yield Cheat("false grounds of right tokens, last", quantization, LAST, alter_grounds=_noisy)


def _negated(rows: Tensor) -> Tensor:
    altered = rows.copy()
    altered[..., ::2] *= -1
    return altered


def _noisy(rows: Tensor) -> Tensor:
    generator = np.random.default_rng(rows.size)
    scale = NOISE * np.abs(rows).max(axis=-1, keepdims=True)
    noise = generator.uniform(-1, 1, rows.shape).astype(rows.dtype)
    altered: Tensor = (rows + scale * noise).astype(rows.dtype)
    return altered


def _rolled(logits: Tensor) -> Tensor:
    return np.roll(logits, 1)


def _sharper(logits: Tensor) -> Tensor:
    """Return logits that choose the same token and make it look surer."""
    altered: Tensor = (logits * np.float32(1.2)).astype(np.float32)
    return altered
