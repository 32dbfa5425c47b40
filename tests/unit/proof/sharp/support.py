"""Phones that run a stage again, honest or not, and the host that looks at what they show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from app.proof.case import AuditCase
from app.proof.sharp.classes import Rounding, RoundingClass
from app.proof.sharp.draws import Draw, draw
from app.proof.sharp.judging import SharpCase, judge
from app.proof.sharp.verdict import Opening, SharpVerdict
from workers.engine.replay import Replay
from workers.identity.merkle import root_hash
from workers.identity.states import StatesBody, names_digest

EVERYTHING = 10_000
SEED = b"drawn once the states were signed for"
Edit = Callable[[onnx.GraphProto], None]


@dataclass
class Phone:
    """Runs the stage of a case again: by its own graph, or by one that somebody altered."""

    case: AuditCase
    sharp: SharpCase
    replay: Replay

    def statement(self) -> StatesBody:
        sealed, leaves = self.replay.transcript.seal(), self.replay.leaf_hashes
        return StatesBody(
            serial=self.case.receipt.serial,
            graph=self.case.receipt.graph,
            input_root=sealed.input_root.hex(),
            output_root=sealed.output_root.hex(),
            states=names_digest(self.replay.states),
            states_root=root_hash(leaves).hex(),
            leaves=len(leaves),
            steps=sealed.steps,
            rows=sealed.tokens,
            numerical_class=self.case.receipt.numerical_class,
        )

    def opening(self, draws: Sequence[Draw], *, all_ends: bool = True) -> Opening:
        leaves = self.sharp.wanted(draws, all_ends=all_ends)
        opened = self.replay.open([self.sharp.number(leaf) for leaf in leaves])
        return Opening(dict(zip(leaves, opened.rows, strict=True)), tuple(opened.proof))


def phone(case: AuditCase, rounding: RoundingClass | None, runs: Path | None = None) -> Phone:
    """Return a phone that has run the stage again, by the graph `runs` where that is given."""
    sharp = SharpCase.of(case, rounding)
    replay = Replay(runs or case.graph_path, case.shape, 1, case.boundary, sharp.graph.states)
    for step in case.steps:
        replay.step(step.position, step.inputs)
    return Phone(case, sharp, replay)


def looked_at(
    found: Phone, rows: int = EVERYTHING, operators: int = EVERYTHING, seed: bytes = SEED
) -> SharpVerdict:
    draws = draw(found.sharp.graph, found.sharp.extent, seed, min(rows, 12), operators)
    return judge(found.sharp, found.statement(), draws, [found.opening(draws)])


def rounds(rounding: Rounding) -> RoundingClass:
    """Return the class of a phone that rounds in one way whatever it multiplies."""
    return RoundingClass({8: rounding, 4: rounding}, {8: rounding, 4: rounding})


def altered(graph_path: Path, name: str, edit: Edit) -> Path:
    """Write a graph beside another, with something in it changed."""
    model = onnx.load(str(graph_path), load_external_data=False)
    edit(model.graph)
    written = graph_path.with_name(f"{graph_path.name}.{name}")
    written.write_bytes(model.SerializeToString())
    return written


def stored(graph_path: Path, tensor: onnx.TensorProto) -> np.ndarray:
    """Return a weight from the file beside a graph."""
    if tensor.data_location != onnx.TensorProto.EXTERNAL:
        return numpy_helper.to_array(tensor)
    places = {each.key: each.value for each in tensor.external_data}
    element = helper.tensor_dtype_to_np_dtype(tensor.data_type)
    data = (graph_path.parent / places["location"]).read_bytes()
    first = int(places["offset"])
    return np.frombuffer(data[first : first + int(places["length"])], element).reshape(tensor.dims)


def with_weights(
    graph_path: Path, name: str, change: Callable[[str, np.ndarray], np.ndarray | None]
) -> Path:
    """Write a graph with some of its weights changed, as `change` returns them."""

    def edit(graph: onnx.GraphProto) -> None:
        for tensor in graph.initializer:
            changed = change(tensor.name, stored(graph_path, tensor))
            if changed is not None:
                tensor.CopyFrom(numpy_helper.from_array(changed, tensor.name))

    return altered(graph_path, name, edit)


def on_kleidi(graph_path: Path) -> Path:
    """Write a graph that multiplies as KleidiAI does: rows between their ends, short scales."""

    def edit(graph: onnx.GraphProto) -> None:
        names = {node.input[2] for node in graph.node if node.op_type == "MatMulNBits"}
        for tensor in graph.initializer:
            if tensor.name in names:
                scales = stored(graph_path, tensor).astype(np.float32)
                cut = (scales.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
                tensor.CopyFrom(numpy_helper.from_array(cut, tensor.name))
        nodes: list[onnx.NodeProto] = []
        for node in graph.node:
            if node.op_type == "MatMulNBits":
                next(each for each in node.attribute if each.name == "accuracy_level").i = 1
                nodes += _rows_rounded(node)
                node.input[0] = f"{node.name}.rounded"
            nodes.append(node)
        del graph.node[:]
        graph.node.extend(nodes)
        constants = {"k.0": 0.0, "k.255": 255.0, "k.-128": -128.0, "k.127": 127.0, "k.tiny": 1e-30}
        for name, value in constants.items():
            graph.initializer.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        graph.initializer.append(numpy_helper.from_array(np.array([-1], np.int64), "k.last"))

    return altered(graph_path, "kleidi", edit)


def _rows_rounded(product: onnx.NodeProto) -> list[onnx.NodeProto]:
    name, row = product.name, product.input[0]
    nodes: list[onnx.NodeProto] = []

    def add(kind: str, output: str, *inputs: str, **attributes: Any) -> str:  # noqa: ANN401 - as ONNX has it
        given = [
            each if each == row or each.startswith("k.") else f"{name}.{each}" for each in inputs
        ]
        nodes.append(helper.make_node(kind, given, [f"{name}.{output}"], **attributes))
        return output

    low = add("Min", "low", add("ReduceMin", "least", row, "k.last", keepdims=1), "k.0")
    high = add("Max", "high", add("ReduceMax", "most", row, "k.last", keepdims=1), "k.0")
    spread = add("Max", "spread", add("Sub", "apart", high, low), "k.tiny")
    scale = add("Div", "scale", "k.255", spread)
    low, high = add("Mul", "low.s", low, scale), add("Mul", "high.s", high, scale)
    below, above = add("Sub", "below", "k.-128", low), add("Sub", "above", "k.127", high)
    first, second = add("Add", "e1", low, "k.-128"), add("Add", "e2", high, "k.127")
    chosen = add("Greater", "which", add("Add", "e", first, second), "k.0")
    zero = add(
        "Round",
        "zero",
        add("Clip", "zero.c", add("Where", "z", chosen, below, above), "k.-128", "k.127"),
    )
    codes = add("Add", "codes.z", add("Round", "codes.r", add("Mul", "scaled", row, scale)), zero)
    codes = add("Clip", "codes", codes, "k.-128", "k.127")
    add("Div", "rounded", add("Sub", "around", codes, zero), scale)
    return nodes


def with_claim(case: AuditCase, step: int, claimed: np.ndarray) -> AuditCase:
    steps = list(case.steps)
    steps[step] = replace(steps[step], claimed=claimed)
    return replace(case, steps=tuple(steps))
