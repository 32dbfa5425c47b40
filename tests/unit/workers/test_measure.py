from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from workers.engine.canary import CANARY_GRAPH, ROUNDING_GRAPH, ROUNDING_INPUTS
from workers.engine.measure import measure
from workers.engine.processor import numerical_class, processor_name, resident_bytes
from workers.engine.session import open_session

ROWS = 32


def test_the_canary_graph_is_one_multiplication() -> None:
    def value(name: str, *shape: str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))

    graph = helper.make_graph(
        [helper.make_node("MatMul", ["left", "right"], ["product"])],
        "canary",
        [value("left", "rows", "inner"), value("right", "inner", "columns")],
        [value("product", "rows", "columns")],
    )
    opset = helper.make_opsetid("", 20)
    assert onnx.load_from_string(CANARY_GRAPH) == helper.make_model(
        graph, opset_imports=[opset], ir_version=10
    )


def test_the_rounding_graph_multiplies_with_weights_of_8_and_4_bits() -> None:
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    rebuilt = helper.make_model(rounding_graph(4), opset_imports=opsets, ir_version=10)
    assert onnx.load_from_string(ROUNDING_GRAPH) == rebuilt


@pytest.mark.parametrize("rows", [1, ROUNDING_INPUTS])
def test_how_activations_are_rounded_shows_in_the_rounding_graph(rows: int) -> None:
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    unrounded = helper.make_model(rounding_graph(1), opset_imports=opsets, ir_version=10)
    left = np.random.default_rng(0).random((rows, ROUNDING_INPUTS), np.float32)
    pairs = zip(
        open_session(ROUNDING_GRAPH, 1).run(None, {"left": left}),
        open_session(unrounded.SerializeToString(), 1).run(None, {"left": left}),
        strict=True,
    )
    for rounded, exact in pairs:
        assert 0.02 > np.linalg.norm(rounded - exact) / np.linalg.norm(exact) > 1e-4


def rounding_graph(accuracy_level: int) -> onnx.GraphProto:
    """8- and 4-bit products with codes made of counted numbers: factor * n % modulus."""
    graph = CountedNumbers()
    shape = [ROWS, ROUNDING_INPUTS // 32]
    whole = graph.numbers("whole", shape, (7, 13), TensorProto.FLOAT)
    graph.add("Div", [whole, graph.constant("by", np.float32(1000))], "scales")
    for bits, counted in ((8, (7919, 251)), (4, (104729, 256))):
        codes = graph.numbers(f"codes{bits}", [*shape, 4 * bits], counted, TensorProto.UINT8)
        attributes: dict[str, int | str] = {
            "domain": "com.microsoft",
            "K": ROUNDING_INPUTS,
            "N": ROWS,
            "bits": bits,
            "block_size": 32,
            "accuracy_level": accuracy_level,
        }
        inputs = ["left", codes, "scales"]
        graph.add("MatMulNBits", inputs, f"product{bits}", **attributes)
    return helper.make_graph(
        graph.nodes,
        "rounding",
        [helper.make_tensor_value_info("left", TensorProto.FLOAT, ["rows", ROUNDING_INPUTS])],
        [
            helper.make_tensor_value_info(f"product{bits}", TensorProto.FLOAT, ["rows", ROWS])
            for bits in (8, 4)
        ],
        graph.constants,
    )


class CountedNumbers:
    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: np.generic | NDArray[np.int64]) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:  # noqa: ANN401 - as ONNX has it
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def numbers(self, name: str, shape: list[int], counted: tuple[int, int], element: int) -> str:
        factor, modulus = counted
        bounds = (("0", 0), ("n", math.prod(shape)), ("1", 1))
        ends = [self.constant(f"{name}.{key}", np.int32(value)) for key, value in bounds]
        self.add("Range", ends, f"{name}.range")
        by = self.constant(f"{name}.f", np.int32(factor))
        self.add("Mul", [f"{name}.range", by], f"{name}.mul")
        by = self.constant(f"{name}.m", np.int32(modulus))
        self.add("Mod", [f"{name}.mul", by], f"{name}.mod")
        self.add("Cast", [f"{name}.mod"], f"{name}.cast", to=element)
        form = self.constant(f"{name}.s", np.array(shape, np.int64))
        return self.add("Reshape", [f"{name}.cast", form], name)


def test_the_canary_graph_multiplies() -> None:
    left, right = np.ones((2, 3), np.float32), np.full((3, 1), 2, np.float32)
    product = open_session(CANARY_GRAPH, 1).run(None, {"left": left, "right": right})[0]
    np.testing.assert_array_equal(product, [[6], [6]])


def test_measured_figures_are_plausible_also_of_a_machine_that_stands_still_for_seconds() -> None:
    figures = measure(1)
    assert 1e5 < figures.weight_bytes_per_second < 1e13
    assert 1e5 < figures.flops_per_second < 1e15
    assert 1e-7 < figures.step_overhead_s < 100


def test_the_numerical_class_is_stable_and_names_what_results_depend_on() -> None:
    text = numerical_class(1)
    numerical_class.cache_clear()
    assert numerical_class(1) == text
    assert processor_name() in text
    assert numerical_class(2) != text


def test_a_processor_is_named_as_its_kernel_does(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nmodel name\t: Some Core 9\n\nprocessor\t: 1\n")
    assert processor_name(path) == "Some Core 9"
    path.write_text("processor\t: 0\nCPU part\t: 0xd05\n")
    assert processor_name(path) == "0xd05"
    assert processor_name(tmp_path / "absent") != ""


def test_resident_memory_is_read_or_zero(tmp_path: Path) -> None:
    assert resident_bytes() > 1_000_000
    assert resident_bytes(tmp_path / "absent") == 0
