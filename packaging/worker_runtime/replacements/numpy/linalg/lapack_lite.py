# ruff: noqa: INP001 - laid into numpy, which is the package
"""Stands in for numpy's own little LAPACK, as `_umath_linalg` does for the bridge to a real one."""

from __future__ import annotations

from numpy.linalg._umath_linalg import __getattr__

__all__ = ["__getattr__"]
