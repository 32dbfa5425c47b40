# ruff: noqa: INP001 - laid into numpy, which is the package
"""Stands in for numpy's bridge to LAPACK, which a worker does not use: 6 MB stay out."""

from __future__ import annotations

from typing import NoReturn


def __getattr__(name: str) -> NoReturn:
    raise AttributeError(f"numpy.linalg's '{name}' needs LAPACK: it is not in this runtime")
