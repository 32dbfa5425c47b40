"""Which block holds which weights of a cut graph, and in which form they are stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import onnx
from onnx import TensorProto, helper

from app.core.model import BlockKind
from app.models.cutting.plain_graph.graph_parts import is_stub
from app.models.cutting.plain_graph.interface import constant_attribute
from app.models.cutting.plain_graph.products import DOMAIN, LINEAR
from app.models.cutting.skeleton import Skeleton
from app.models.families.interface import BlockPlan, Part, SharedWeight, Weight, WeightRole

_LOOKED_UP = {"Gather": (0,), "GroupQueryAttention": (7, 8), "RotaryEmbedding": (2, 3)}
"""Of which inputs an operator takes only the rows it is told."""
_ROWS_SUFFIX, _TURNED_SUFFIX = ".rows", ".turned"


def stored_name(node: onnx.NodeProto) -> str:
    """Return the name under which the matrix of a `Linear` or `Rows` node is stored."""
    if node.op_type != LINEAR:
        return f"{node.input[0]}{_ROWS_SUFFIX}"
    turned = constant_attribute(node, "turned", 0)
    return f"{node.input[1]}{_TURNED_SUFFIX if turned else _ROWS_SUFFIX}"


@dataclass
class _Use:
    weight: Weight
    blocks: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class CutWeights:
    """The weights of a skeleton's blocks.

    What several blocks read, other than the embedding's own matrix, is a table: a file beside those
    of the blocks, so that no layer needs another one's file.
    """

    skeleton: Skeleton

    def plans(self) -> tuple[BlockPlan, ...]:
        """Return the blocks in order: embedding, layers, head."""
        last = self.skeleton.layer_count + 1
        return tuple(self._plan(block, last) for block in range(last + 1))

    def tables(self) -> tuple[Weight, ...]:
        """Return the weights that lie beside the blocks."""
        return tuple(use.weight for use in self._uses.values() if _is_table(use))

    def _plan(self, block: int, last: int) -> BlockPlan:
        kind = {0: BlockKind.EMBEDDING, last: BlockKind.HEAD}.get(block, BlockKind.LAYER)
        used = [use for use in self._uses.values() if block in use.blocks]
        own = [use.weight for use in used if not _is_table(use) and use.blocks[0] == block]
        shared = [_shared(use, block) for use in used if use.weight not in own]
        return BlockPlan(kind, tuple(own), tuple(shared))

    @cached_property
    def _uses(self) -> Mapping[str, _Use]:
        uses: dict[str, _Use] = {}
        for block in range(self.skeleton.layer_count + 2):
            for node in self.skeleton.nodes_of(block):
                for weight in self._weights(node):
                    use = uses.setdefault(weight.name, _Use(weight))
                    if block not in use.blocks:
                        use.blocks.append(block)
        return uses

    def _weights(self, node: onnx.NodeProto) -> Iterator[Weight]:
        constants = self.skeleton.graph.constants
        if node.domain == DOMAIN:
            name, is_product = stored_name(node), node.op_type == LINEAR
            proto = constants[node.input[1] if is_product else node.input[0]]
            turned = name.endswith(_TURNED_SUFFIX)
            role = WeightRole.MATRIX if is_product else WeightRole.EMBEDDING
            yield Weight(name, role, (Part(proto.name, tuple(proto.dims), transposed=turned),))
            return
        for place, name in enumerate(node.input):
            if name in constants and is_stub(constants[name]):
                is_looked_up = place in _LOOKED_UP.get(node.op_type, ())
                yield _raw(constants[name], WeightRole.TABLE if is_looked_up else WeightRole.VECTOR)


def _raw(proto: TensorProto, role: WeightRole) -> Weight:
    element = str(helper.tensor_dtype_to_np_dtype(proto.data_type))
    return Weight(proto.name, role, (Part(proto.name, tuple(proto.dims)),), element)


def _is_table(use: _Use) -> bool:
    own = use.blocks[0] == 0 and use.weight.role is WeightRole.EMBEDDING
    return len(use.blocks) > 1 and not own


def _shared(use: _Use, block: int) -> SharedWeight:
    role = use.weight.role
    if role is WeightRole.EMBEDDING and block:
        return SharedWeight(use.weight.name, WeightRole.MATRIX)
    return SharedWeight(use.weight.name, WeightRole.VECTOR if role is WeightRole.MATRIX else role)
