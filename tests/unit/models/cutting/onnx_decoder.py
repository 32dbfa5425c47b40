"""A small decoder written by hand in ONNX, as exporters write them, and a plain run of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

VOCABULARY, HIDDEN, HEADS, SIZE, INNER, PLACES = 96, 64, 4, 16, 96, 64


@dataclass
class Decoder:
    """How the graph is written; what it computes stays the same unless `knot` says otherwise."""

    layers: int = 3
    element: type[np.generic] = np.float32
    tied: bool = False
    fed_positions: bool = False
    knot: bool = False
    """Layer 1 also reads what layer 0's attention put out, past the residual."""
    scaled_last: bool = False
    """Scores are scaled behind the mask: attention that is not recognised."""
    sees_ahead: bool = False
    """No token is hidden from another one of its step: attention that no causal one equals."""
    stored_mask: bool = False
    """What a token may see is read from a table of truth values, as the first GPT-2s had it."""
    mixing_head: bool = False
    """The head adds the step's mean over all tokens to each row."""
    window: int = 0
    """How many tokens are seen, the present one included; 0 is all."""
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    tensors: dict[str, NDArray[Any]] = field(default_factory=dict)
    generator: np.random.Generator = field(default_factory=lambda: np.random.default_rng(3))

    def model(self) -> onnx.ModelProto:
        self.lengths()
        hidden = self.embedding()
        hidden = self.add("Identity", [hidden], "embedded")
        first = ""
        for layer in range(self.layers):
            hidden, attended = self.layer(layer, hidden, first if self.knot and layer == 1 else "")
            first = first or attended
        self.head(hidden)
        graph = helper.make_graph(
            self.nodes, "decoder", self.inputs(), self.outputs(), self.initializers()
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)

    def write(self, folder: Path, *, beside: bool = True) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "model.onnx"
        onnx.save(
            self.model(),
            path,
            save_as_external_data=beside,
            location="model.onnx.data",
            size_threshold=256,
        )
        return path

    def add(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:  # noqa: ANN401 - onnx takes any
        self.nodes.append(helper.make_node(kind, inputs, [output], f"/{output}", **attributes))
        return output

    def weight(self, name: str, *shape: int, centre: float = 0.0) -> str:
        self.tensors[name] = self.generator.normal(centre, 0.2, shape).astype(self.element)
        return name

    def constant(self, name: str, value: object) -> str:
        self.tensors[name] = np.asarray(value)
        return name

    def number(self, value: float) -> str:
        return self.constant(f"number.{value}", self.element(value))

    def lengths(self) -> None:
        """The mask and positions, from other values' shapes, as exporters write them."""
        zero, one = self.constant("zero", np.int64(0)), self.constant("one", np.int64(1))
        shape = self.add("Shape", ["input_ids"], "ids.shape")
        tokens = self.add("Gather", [shape, one], "tokens")
        cached = self.add("Shape", ["past_key_values.0.value"], "cache.shape")
        past = self.add("Gather", [cached, self.constant("two", np.int64(2))], "cached")
        total = self.add("Add", [past, tokens], "total")
        own = self.add("Range", [past, total, one], "places")
        keys = self.add("Range", [zero, total, one], "keys")
        last = self.constant("last.axis", np.array([1]))
        self.constant("last.one", np.array([1]))
        rows = self.add("Unsqueeze", [own, last], "rows")
        seen = self.causal(keys, rows, past, total)
        if self.window:
            first = self.add("Sub", [rows, self.constant("window", np.int64(self.window))], "from")
            near = self.add("Less", [first, keys], "near")
            seen = self.add("And", [seen, near], "seen.near")
        wanted = self.add("Cast", ["attention_mask"], "wanted", to=TensorProto.BOOL)
        both = self.add("And", [seen, wanted], "seen")
        lowest = self.constant("lowest", np.array(-1e4, self.element))
        self.add("Where", [both, self.number(0), lowest], "mask")

    def causal(self, keys: str, rows: str, past: str, total: str) -> str:
        if self.sees_ahead:
            return self.add("Less", [keys, total], "causal")
        if not self.stored_mask:
            return self.add("LessOrEqual", [keys, rows], "causal")
        table = self.constant("triangle", np.tri(PLACES, dtype=np.bool_))
        first = self.constant("first.axis", np.array([0]))
        start = self.add("Unsqueeze", [past, first], "start")
        end = self.add("Unsqueeze", [total, first], "end")
        seen = self.add("Slice", [table, start, end, first], "seen.rows")
        return self.add("Slice", [seen, first, end, "last.one"], "causal")

    def embedding(self) -> str:
        rows = self.add("Gather", [self.weight("table", VOCABULARY, HIDDEN), "input_ids"], "rows.0")
        places = "position_ids" if self.fed_positions else "places"
        learned = self.add("Gather", [self.weight("learned", PLACES, HIDDEN), places], "learned.0")
        return self.add("Add", [rows, learned], "rows.1")

    def layer(self, layer: int, hidden: str, extra: str) -> tuple[str, str]:
        own = f"layers.{layer}."
        normed = self.norm(own + "norm", hidden)
        queries, keys, values = (
            self.split(own + part, normed) for part in ("query", "key", "value")
        )
        keys = self.cached(layer, "key", keys)
        values = self.cached(layer, "value", values)
        turned = self.add("Transpose", [keys], own + "turned", perm=[0, 1, 3, 2])
        scores = self.add("MatMul", [queries, turned], own + "scores")
        scale = self.number(SIZE**-0.5)
        if self.scaled_last:
            scores = self.add("Add", [scores, "mask"], own + "masked")
            scores = self.add("Mul", [scores, scale], own + "scaled")
        else:
            scores = self.add("Mul", [scores, scale], own + "scaled")
            scores = self.add("Add", [scores, "mask"], own + "masked")
        shares = self.add("Softmax", [scores], own + "shares", axis=-1)
        mixed = self.add("MatMul", [shares, values], own + "mixed")
        joined = self.add("Transpose", [mixed], own + "joined", perm=[0, 2, 1, 3])
        flat = self.constant("flat", np.array([0, 0, HIDDEN]))
        attended = self.add("Reshape", [joined, flat], own + "attended")
        added = self.add("Add", [hidden, self.linear(own + "out", attended, HIDDEN)], own + "added")
        if extra:
            added = self.add("Add", [added, extra], own + "knot")
        inner = self.add(
            "Relu", [self.linear(own + "up", self.norm(own + "inner", added), INNER)], own + "relu"
        )
        down = self.linear(own + "down", inner, HIDDEN, INNER)
        return self.add("Add", [added, down], own + "result"), attended

    def norm(self, name: str, value: str) -> str:
        scale, shift = (
            self.weight(name + ".scale", HIDDEN, centre=1),
            self.weight(name + ".shift", HIDDEN),
        )
        return self.add("LayerNormalization", [value, scale, shift], name + ".normed", axis=-1)

    def linear(self, name: str, value: str, rows: int, columns: int = HIDDEN) -> str:
        product = self.add("MatMul", [value, self.weight(name + ".w", columns, rows)], name + ".p")
        return self.add("Add", [product, self.weight(name + ".b", rows)], name + ".sum")

    def split(self, name: str, value: str) -> str:
        apart = self.constant("apart", np.array([0, 0, HEADS, SIZE]))
        heads = self.add("Reshape", [self.linear(name, value, HIDDEN), apart], name + ".heads")
        return self.add("Transpose", [heads], name + ".first", perm=[0, 2, 1, 3])

    def cached(self, layer: int, part: str, new_rows: str) -> str:
        past = f"past_key_values.{layer}.{part}"
        return self.add("Concat", [past, new_rows], f"present.{layer}.{part}", axis=2)

    def head(self, hidden: str) -> None:
        normed = self.norm("final", hidden)
        if self.mixing_head:
            mean = self.add("ReduceMean", [normed], "mean", axes=[1], keepdims=1)
            normed = self.add("Add", [normed, mean], "mixed")
        if self.tied:
            table = self.add("Transpose", ["table"], "table.turned", perm=[1, 0])
        else:
            table = self.weight("head", HIDDEN, VOCABULARY)
        self.add("MatMul", [normed, table], "logits")

    def inputs(self) -> list[onnx.ValueInfoProto]:
        info = helper.make_tensor_value_info
        inputs = [
            info("input_ids", TensorProto.INT64, ["batch", "sequence"]),
            info("attention_mask", TensorProto.INT64, ["batch", "total"]),
        ]
        if self.fed_positions:
            inputs.append(info("position_ids", TensorProto.INT64, ["batch", "sequence"]))
        return inputs + [
            info(f"past_key_values.{layer}.{part}", self.kind, ["batch", HEADS, "past", SIZE])
            for layer in range(self.layers)
            for part in ("key", "value")
        ]

    def outputs(self) -> list[onnx.ValueInfoProto]:
        info = helper.make_tensor_value_info
        return [info("logits", self.kind, ["batch", "sequence", VOCABULARY])] + [
            info(f"present.{layer}.{part}", self.kind, ["batch", HEADS, "total", SIZE])
            for layer in range(self.layers)
            for part in ("key", "value")
        ]

    def initializers(self) -> list[TensorProto]:
        return [numpy_helper.from_array(value, name) for name, value in self.tensors.items()]

    @property
    def kind(self) -> int:
        return int(helper.np_dtype_to_tensor_dtype(np.dtype(self.element)))


def plain_logits(path: Path, chunks: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]:
    """Run the file as it is, chunk after chunk; returns each one's last logits."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    caches = {
        value.name: np.zeros((1, HEADS, 0, SIZE), np.float32)
        for value in session.get_inputs()
        if value.name.startswith("past")
    }
    names = [value.name for value in session.get_outputs()]
    declared = {value.name for value in session.get_inputs()}
    total, results = 0, []
    for chunk in chunks:
        places = np.arange(total, total + len(chunk), dtype=np.int64)[None]
        total += len(chunk)
        feeds = {
            "input_ids": np.array([chunk], np.int64),
            "attention_mask": np.ones((1, total), np.int64),
            "position_ids": places,
            **caches,
        }
        found = session.run(None, {name: feeds[name] for name in feeds if name in declared})
        values = dict(zip(names, found, strict=True))
        caches = {name: values["present" + name.removeprefix("past_key_values")] for name in caches}
        results.append(values["logits"][0, -1])
    return results
