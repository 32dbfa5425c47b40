"""Racks of uneven phones with uneven links, drawn from a seed, that hold their model 1.8 times."""

from __future__ import annotations

import random
from itertools import permutations

from app.core.device import DeviceProfile, LinkProfile
from app.core.identifiers import HOST, BlobHash, Serial
from app.core.model import Blob, Block, BlockKind, ModelManifest
from app.placement.costs.footprint import RUNTIME_BYTES
from app.placement.costs.links import LinkMatrix
from app.placement.problem import Objective, PlacementProblem

LAYER_BYTES = 10_000_000
ROOM = 1.8
"""Layers that all phones together can hold, over those there are."""


def random_rack(layers: int, phones: int, slots: int, seed: int = 1) -> PlacementProblem:
    """Return the problem of placing so many layers for the most that all streams get."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable rack, nothing secret
    share = layers * LAYER_BYTES * ROOM / phones
    devices = tuple(
        DeviceProfile(
            serial=Serial(f"phone-{number}"),
            memory_budget_bytes=RUNTIME_BYTES
            + int(max(share * chance.uniform(0.5, 1.5), 1.6 * LAYER_BYTES)),
            weight_bytes_per_second=chance.uniform(1e9, 8e9),
            flops_per_second=1e10,
            step_overhead_s=0.0005,
        )
        for number in range(phones)
    )
    ends = [device.serial for device in devices] + [HOST]
    links = {
        pair: LinkProfile(chance.uniform(0.001, 0.006), chance.uniform(1e6, 4e7))
        for pair in permutations(ends, 2)
    }
    return PlacementProblem(
        model=_model(layers),
        devices=devices,
        links=LinkMatrix.of(links),
        objective=Objective.THROUGHPUT,
        context_tokens=128,
        slots=slots,
    )


def _model(layers: int) -> ModelManifest:
    kinds = (BlockKind.EMBEDDING, *[BlockKind.LAYER] * layers, BlockKind.HEAD)
    blocks = tuple(
        Block(at, kind, (Blob(BlobHash(f"{at:064x}"), _size(kind)),), _size(kind), 2, 100)
        for at, kind in enumerate(kinds)
    )
    return ModelManifest(
        name="random",
        family="llama",
        quantization="f32",
        hidden_size=256,
        vocabulary_size=100,
        context_tokens=128,
        attention_heads=4,
        kv_heads=2,
        head_size=8,
        begin_token=1,
        end_tokens=(2,),
        blocks=blocks,
        tokenizer=None,
    )


def _size(kind: BlockKind) -> int:
    return LAYER_BYTES if kind is BlockKind.LAYER else LAYER_BYTES // 4
