"""What kind of machine this is, as far as its numerical results may depend on it."""

from __future__ import annotations

import mmap
import platform
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime

from workers.engine.canary import CANARY_GRAPH, ROUNDING_GRAPH, ROUNDING_INPUTS
from workers.engine.memory import available_bytes
from workers.engine.session import PROVIDER, open_session
from workers.identity.merkle import leaf_hash
from workers.protocol.wire import Tensor

_PROCESSOR_LINES = re.compile(r"^(?:model name|Hardware|CPU part)\s*:\s*(.+)$", re.MULTILINE)
_CANARY_SIZE = ROUNDING_INPUTS


@lru_cache(maxsize=16)
def numerical_class(threads: int) -> str:
    """Return the text that groups phones whose results may be compared bit for bit.

    Provider, onnxruntime version, processor, threads, and the start of a digest over the results
    of fixed multiplications: of float32, and of 8 and 4 bits by one row and by many, for which
    processors of one name may still round differently.
    """
    digest = class_digest(canary_products(threads))
    version = onnxruntime.__version__
    return f"{PROVIDER}; onnxruntime {version}; {processor_name()}; {threads} threads; {digest}"


@lru_cache(maxsize=16)
def canary_products(threads: int) -> tuple[Tensor, ...]:
    """Return the products that tell classes apart, worked out once: cores of a phone may differ.

    Of float32, then of 8 and of 4 bits by one row, then of both by many.
    """
    left, right = canary_rows()
    products: list[Tensor] = open_session(CANARY_GRAPH, threads).run(
        None, {"left": left, "right": right}
    )
    rounding = open_session(ROUNDING_GRAPH, threads)
    for rows in (left[:1], left):
        products += rounding.run(None, {"left": rows})
    return tuple(products)


def canary_rows() -> tuple[Tensor, Tensor]:
    """Return what the canary multiplies: the same on every machine."""
    generator = np.random.Philox(key=1)
    raw = generator.random_raw(2 * _CANARY_SIZE**2) >> 40
    left, right = raw.astype(np.float32).reshape(2, _CANARY_SIZE, _CANARY_SIZE) / np.float32(2**24)
    return left, right


def class_digest(products: Sequence[Tensor]) -> str:
    """Return the digest at the end of a numerical class."""
    return leaf_hash(b"".join(product.tobytes() for product in products)).hex()[:16]


def processor_name(cpu_information: Path = Path("/proc/cpuinfo")) -> str:
    """Return the processor's model as the kernel names it, else the machine type."""
    try:
        found = _PROCESSOR_LINES.findall(cpu_information.read_text())
    except OSError:
        found = []
    return found[0].strip() if found else platform.machine()


def resident_bytes(statistics: Path = Path("/proc/self/statm")) -> int:
    """Return this process's resident memory, 0 where the system does not say."""
    try:
        pages = int(statistics.read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * mmap.PAGESIZE


def memory_for_layers() -> int:
    """Return the bytes that this process holds, and those that it could still have."""
    return resident_bytes() + (available_bytes() or 0)
