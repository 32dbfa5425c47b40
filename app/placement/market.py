"""Buying a ring: the cheapest phones, and layers on each, that give what is wanted.

Exact: phones are looked at one by one, and of all ways to place so many layers on those so far the
ones are kept that no other beats in both cost and time (dynamic programming over Pareto fronts,
after Nemhauser and Ullmann, "Discrete dynamic programming and capital allocation", 1969).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.core.errors import DoesNotFitError
from app.core.identifiers import Serial

LEAST_REPUTATION = 0.05
"""Whoever is known for less is reckoned with at this: a price stays finite."""


@dataclass(frozen=True)
class Offer:
    """What a phone offers: micro-credits and measured seconds for a layer and token."""

    serial: Serial
    price: int
    layer_s: float
    hop_s: float
    """What one phone more in the ring adds to a token."""
    most_layers: int
    reputation: float
    """Lower bound of its honesty, 0 to 1."""

    @property
    def reckoned_price(self) -> float:
        """Its price as the buyer reckons: doubt is a surcharge, as work may have to be done again.

        Of what is bought at reputation r a share r is expected to stand: 1 / r are bought for one.
        """
        return self.price / max(self.reputation, LEAST_REPUTATION)


@dataclass(frozen=True)
class RingWanted:
    """What a buyer wants of a ring; None where it does not matter."""

    layers: int
    most_token_s: float | None = None
    """Latency: what a token may take at most."""
    least_tokens_per_second: float | None = None
    """Throughput of all requests together: no stage may be slower."""


@dataclass(frozen=True)
class Purchase:
    """The phones bought, in the order offered, each with its number of layers."""

    layers: tuple[tuple[Serial, int], ...]
    price: int
    """Micro-credits a token, as quoted."""
    token_s: float


@dataclass(frozen=True)
class _PartialRing:
    """One way to place some layers."""

    cost: float
    token_s: float
    price: int
    layers: tuple[tuple[Serial, int], ...]


def buy(offers: Sequence[Offer], wanted: RingWanted) -> Purchase:
    """Return the cheapest purchase, doubt reckoned in, that gives what is wanted.

    Of equally cheap ones the quickest. Raises `DoesNotFitError` where no phones give it.
    """
    fronts: list[list[_PartialRing]] = [[] for _ in range(wanted.layers + 1)]
    fronts[0] = [_PartialRing(0.0, 0.0, 0, ())]
    for offer in offers:
        most = _most_layers(offer, wanted)
        grown = [list(front) for front in fronts]
        for placed, front in enumerate(fronts):
            for count in range(1, min(most, wanted.layers - placed) + 1):
                grown[placed + count] += _extended(front, offer, count, wanted)
        fronts = [_undominated(front) for front in grown]
    if not fronts[wanted.layers]:
        raise DoesNotFitError("market.nobody_offers", layers=wanted.layers)
    best = min(fronts[wanted.layers], key=lambda way: (way.cost, way.token_s))
    return Purchase(best.layers, best.price, best.token_s)


def _most_layers(offer: Offer, wanted: RingWanted) -> int:
    if wanted.least_tokens_per_second is None:
        return offer.most_layers
    return min(offer.most_layers, int(1 / wanted.least_tokens_per_second / offer.layer_s))


def _extended(
    front: Iterable[_PartialRing], offer: Offer, count: int, wanted: RingWanted
) -> list[_PartialRing]:
    more_s = count * offer.layer_s + offer.hop_s
    limit_s = wanted.most_token_s
    return [
        _PartialRing(
            way.cost + count * offer.reckoned_price,
            way.token_s + more_s,
            way.price + count * offer.price,
            (*way.layers, (offer.serial, count)),
        )
        for way in front
        if limit_s is None or way.token_s + more_s <= limit_s
    ]


def _undominated(ways: list[_PartialRing]) -> list[_PartialRing]:
    """Return those that are quicker than all cheaper ones."""
    kept: list[_PartialRing] = []
    for way in sorted(ways, key=lambda each: (each.cost, each.token_s)):
        if not kept or way.token_s < kept[-1].token_s:
            kept.append(way)
    return kept
