"""Sizes that exporters write as formulas over free dimensions, such as `2*s70` or `s16+s70`."""

from __future__ import annotations

from collections.abc import Mapping

import onnx
from onnx import helper

SIZE_PREFIX = "cut.size."
"""Before a number, the name of a constant that holds it, int64 [1]."""
Formula = Mapping[str, int]
"""A sum: how often each length counts; the empty name stands for the number 1."""


def formula(size: int | str | None, meanings: Mapping[str, int | str]) -> Formula | None:
    """Return a size as a sum of lengths, or None where it is not known to be one."""
    if isinstance(size, int):
        return {"": size}
    if size is None or "(" in size:
        return None
    total: dict[str, int] = {}
    for term in size.split("+"):
        parsed = _term(term, meanings)
        if parsed is None:
            return None
        name, factor = parsed
        total[name] = total.get(name, 0) + factor
    return total


def _term(term: str, meanings: Mapping[str, int | str]) -> tuple[str, int] | None:
    name, factor = "", 1
    for part in term.split("*"):
        meaning = int(part) if part.isdecimal() else meanings.get(part)
        if isinstance(meaning, int):
            factor *= meaning
        elif meaning is None or name:
            return None
        else:
            name = meaning
    return name, factor


def size_name(size: int) -> str:
    """Return the name of the constant that holds a size."""
    return f"{SIZE_PREFIX}{size}"


def summed(total: Formula, output: str) -> tuple[str, list[onnx.NodeProto]]:
    """Return the value that holds a sum, int64 [1], and the nodes that compute it."""
    values, nodes = [], []
    for name, factor in total.items():
        if not name or factor == 1:
            values.append(name or size_name(factor))
            continue
        values.append(f"{output}.{name}")
        nodes.append(helper.make_node("Mul", [name, size_name(factor)], [values[-1]]))
    result = values[0]
    for index, value in enumerate(values[1:]):
        sum_name = f"{output}.sum.{index}"
        nodes.append(helper.make_node("Add", [result, value], [sum_name]))
        result = sum_name
    return result, nodes
