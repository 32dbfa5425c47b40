from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from workers.canary import CANARY_GRAPH
from workers.measure import measure
from workers.processor import numerical_class, processor_name, resident_bytes
from workers.session import open_session


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


def test_the_canary_graph_multiplies() -> None:
    left, right = np.ones((2, 3), np.float32), np.full((3, 1), 2, np.float32)
    product = open_session(CANARY_GRAPH, 1).run(None, {"left": left, "right": right})[0]
    np.testing.assert_array_equal(product, [[6], [6]])


def test_measured_figures_are_plausible_also_of_a_machine_that_stands_still_for_seconds() -> None:
    figures = measure(1)
    assert 1e5 < figures["weight_bytes_per_second"] < 1e13
    assert 1e5 < figures["flops_per_second"] < 1e15
    assert 1e-7 < figures["step_overhead_s"] < 100


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
