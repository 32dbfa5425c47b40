"""The chains that a model's blocks form, and whether spans hold all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from app.core.errors import BadInputError
from workers.protocol.chain import MAXIMUM_BLOCKS, MAXIMUM_CHAINS, ChainName, Span


@dataclass(frozen=True)
class Chain:
    """A model's blocks 0 to `block_count - 1` of that name."""

    name: ChainName
    block_count: int
    sees: bool = field(default=False, compare=False)
    """Whether it looks at pictures; a model says so, what was written of one does not."""

    @property
    def whole(self) -> Span:
        """The span of all its blocks."""
        return Span(self.name, 0, self.block_count)


def check_chains(chains: Sequence[Chain]) -> None:
    """Raise `BadInputError` unless these can be all the chains of a model."""
    if not 1 <= len({chain.name for chain in chains}) == len(chains) <= MAXIMUM_CHAINS:
        raise BadInputError("chains.not_of_a_model", most=MAXIMUM_CHAINS)
    for chain in chains:
        if not 1 <= chain.block_count <= MAXIMUM_BLOCKS:
            raise BadInputError("chains.wrong_length", chain=chain.name, most=MAXIMUM_BLOCKS)


def check_cover(chains: Sequence[Chain], spans: Iterable[Span]) -> None:
    """Raise `BadInputError` unless the spans, in this order, hold every block exactly once."""
    check_chains(chains)
    remaining = iter(spans)
    for chain in chains:
        block = 0
        while block < chain.block_count:
            span = next(remaining, None)
            if span is None or (span.chain, span.first) != (chain.name, block):
                raise _not_held_once(chains, chain.name, block)
            if span.end > chain.block_count:
                raise _not_held_once(chains, chain.name, chain.block_count)
            block = span.end
    if surplus := next(remaining, None):
        raise _not_held_once(chains, surplus.chain, surplus.first)


def _not_held_once(chains: Sequence[Chain], name: ChainName, block: int) -> BadInputError:
    if len(chains) == 1:
        return BadInputError("assignment.layer_not_held_once", layer=block)
    return BadInputError("assignment.layer_of_chain_not_held_once", layer=block, chain=name)
