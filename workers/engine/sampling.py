"""Choosing the next token from the last row's logits, the same wherever it is done.

A sampled token is the one whose logit, divided by the temperature, plus noise of its own is
largest (the Gumbel-max trick; Maddison et al. 2014, section 2). The noise depends on seed,
position and token alone, so that results a rounding error apart choose the same token, except
where two scores all but tie; an audit can tell how far a token is from being chosen.
"""

from __future__ import annotations

import math
import zlib

import numpy as np

from workers.errors import NotFiniteError, RequestRefusedError
from workers.protocol.sampling_rule import UNSTEERED, Choice, SamplingRule, SteeredRule
from workers.protocol.wire import Tensor

_FIRST_CANDIDATES = 64
_FOLD = 64
_LEAST_FOLDED = 16
_MANTISSA_BITS = 53
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
_SECOND_FACTOR = np.uint64(0x94D049BB133111EB)


def choose_token(logits: Tensor, sampling: SamplingRule, position: int) -> int:
    """Return the token chosen.

    `logits` is `f4 [vocabulary]`; `position` is the index in the sequence of the token being
    chosen (rows in the cache after the step). A logit of minus infinity rules a token out. Raises
    `NotFiniteError` where the largest is not finite, as it is where any is not a number.
    """
    if not math.isfinite(logits[int(logits.argmax())]):
        raise NotFiniteError("numbers.not_finite")
    wanted = biased(logits, sampling)
    if not math.isfinite(wanted[int(wanted.argmax())]):
        raise NotFiniteError("numbers.not_finite")
    if sampling.temperature == 0:
        return int(wanted.argmax())
    return _sample(wanted, sampling, position)


def biased(logits: Tensor, sampling: SamplingRule) -> Tensor:
    """Return logits with what the rule adds to some of them, and without what it does not allow.

    The same array where it does neither.
    """
    steering = sampling.steering if isinstance(sampling, SteeredRule) else UNSTEERED
    every = (*sampling.biases, *steering.added)
    known = [(token, bias) for token, bias in every if token < len(logits)]
    repeated = [token for token in steering.repeated if token < len(logits)]
    if not known and not repeated and not steering.allowed:
        return logits
    wanted = logits.copy()
    if repeated:
        wanted[repeated] = discouraged(wanted[repeated], steering.repetition)
    for token, bias in known:
        wanted[token] += logits.dtype.type(bias)
    if steering.allowed:
        wanted[~allowed_by(steering.allowed, len(logits))] = -np.inf
    return wanted


def discouraged(logits: Tensor, penalty: float) -> Tensor:
    """Return logits of tokens that came already: nearer to minus infinity for a penalty above 1."""
    factor = logits.dtype.type(penalty)
    lowered: Tensor = np.where(logits > 0, logits / factor, logits * factor)
    return lowered


def deflated(mask: bytes) -> bytes:
    """Return a mask, a bit a token, as it is sent."""
    return zlib.compress(mask, 1)


def allowed_by(mask: bytes, vocabulary: int) -> Tensor:
    """Return which tokens a mask allows, `bool [vocabulary]`.

    Raises `RequestRefusedError` for one of another vocabulary, however large it would become.
    """
    wanted = -(-vocabulary // 8)
    reader = zlib.decompressobj()
    try:
        packed = reader.decompress(mask, wanted + 1)
    except zlib.error:
        raise RequestRefusedError("steering.unreadable") from None
    if len(packed) != wanted or not reader.eof or reader.unused_data:
        raise RequestRefusedError("steering.unreadable")
    bits = np.frombuffer(packed, np.uint8)
    return np.unpackbits(bits, count=vocabulary, bitorder="little").astype(bool)


def choices_of(logits: Tensor, token: int, count: int) -> tuple[Choice, tuple[Choice, ...]]:
    """Return a token and the likeliest ones, likeliest first, none that is ruled out.

    Each comes with the natural logarithm of its probability at temperature 1, a float32.
    """
    normalizer = _normalizer(logits)

    def choice(known: int) -> Choice:
        return Choice(known, float(np.float32(float(logits[known]) - normalizer)))

    likeliest = _likeliest(logits, count)[:count] if count else ()
    return choice(token), tuple(
        choice(int(each)) for each in likeliest if np.isfinite(logits[each])
    )


def _sample(logits: Tensor, sampling: SamplingRule, position: int) -> int:
    scores = heated(logits.astype(np.float64), sampling)
    candidates = kept_tokens(scores, sampling)
    noised = scores[candidates] + noise(sampling, position, candidates)
    return int(candidates[noised.argmax()])


def _normalizer(logits: Tensor) -> float:
    """Return the logarithm of the sum of all exponentials."""
    highest = logits.max()
    shifted = logits - highest
    return float(highest) + math.log(np.exp(shifted, out=shifted).sum(dtype=np.float64))


def heated(scores: Tensor, sampling: SamplingRule) -> Tensor:
    """Return scores `[vocabulary]` divided by the temperature (above 0), the highest being 0."""
    with np.errstate(over="ignore"):  # a quotient beyond all numbers weighs nothing
        quotients: Tensor = (scores - scores.max()) / sampling.temperature
    return quotients


def softmax(scores: Tensor) -> Tensor:
    """Return the probabilities of scores whose highest is 0, in the same shape."""
    weights = np.exp(scores)
    probabilities: Tensor = weights / weights.sum()
    return probabilities


def noise(sampling: SamplingRule, position: int, tokens: Tensor) -> Tensor:
    """Return standard Gumbel noise `f8` for each of the tokens (their numbers, any order)."""
    start = np.random.Philox(key=sampling.seed, counter=position).random_raw()
    mixed = _mix(np.uint64(start) + tokens.astype(np.uint64) * _GOLDEN)
    bits = mixed >> np.uint64(64 - _MANTISSA_BITS)
    uniform = (bits.astype(np.float64) + 0.5) / float(1 << _MANTISSA_BITS)
    drawn: Tensor = -np.log(-np.log(uniform))
    return drawn


def _mix(values: Tensor) -> Tensor:
    """Scatter 64-bit numbers as SplitMix64 does (Steele et al. 2014, figure 17)."""
    values = (values ^ (values >> np.uint64(30))) * _FIRST_FACTOR
    values = (values ^ (values >> np.uint64(27))) * _SECOND_FACTOR
    scattered: Tensor = values ^ (values >> np.uint64(31))
    return scattered


def kept_tokens(scores: Tensor, sampling: SamplingRule) -> Tensor:
    """Return the tokens that may be drawn, `i8 [kept]`, any order (see `SamplingRule`).

    `scores` is `[vocabulary]`, as `heated` returns it. `min_p` is after Nguyen et al. 2024.
    """
    weights = softmax(scores)
    tokens = nucleus(weights, sampling.top_p)
    if 0 < sampling.top_k < len(tokens):
        ranked = _likeliest(weights, sampling.top_k) if sampling.top_p >= 1 else tokens
        tokens = ranked[: sampling.top_k]
    if sampling.min_p > 0:
        tokens = tokens[weights[tokens] >= sampling.min_p * weights.max()]
    return tokens


def nucleus(weights: Tensor, top_p: float) -> Tensor:
    """Return the smallest set of likeliest tokens that reaches `top_p` (Holtzman et al. 2020).

    `weights` is `[vocabulary]` and sums to 1; the likeliest come first where `top_p` is below 1.
    Equal probabilities are ordered by token number, so the set is the same everywhere.
    """
    if top_p >= 1:
        return np.arange(len(weights))
    count = _FIRST_CANDIDATES
    while True:
        ranked = _likeliest(weights, count)
        reached = int(np.searchsorted(np.cumsum(weights[ranked]), top_p))
        if reached < len(ranked) or len(ranked) == len(weights):
            return ranked[: reached + 1]
        count *= 8


def _likeliest(weights: Tensor, count: int) -> Tensor:
    """Return at least so many of the likeliest tokens, equals by lowest number."""
    if count >= len(weights):
        return np.argsort(-weights, kind="stable")
    compared = _folded(weights, count)
    threshold = np.partition(compared, len(compared) - count)[len(compared) - count]
    candidates = np.flatnonzero(weights >= threshold)
    return candidates[np.argsort(-weights[candidates], kind="stable")]


def _folded(weights: Tensor, count: int) -> Tensor:
    """Return the largest of every so many weights, where that still tells a few likeliest apart.

    Of these maxima the one at place `count` is no larger than the weight at that place, and much
    quicker to find.
    """
    folded = len(weights) // _FOLD
    if folded < _LEAST_FOLDED * count:
        return weights
    largest: Tensor = weights[: folded * _FOLD].reshape(_FOLD, folded).max(axis=0)
    return largest
