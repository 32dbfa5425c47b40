"""Compiling modules with the very interpreter the phone will run, on the building machine.

A phone then starts quickly and has no sources to read. The code carries no time stamp and no path
of the building machine, so that the same sources make the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from runtime_build.commands import run
from runtime_build.selection import PYTHON
from runtime_build.target import Target

_COMPILE = """
import json, py_compile, sys
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
for source, target, name in json.load(open(sys.argv[1])):
    py_compile.compile(source, target, name, doraise=True, optimize=2, invalidation_mode=mode)
"""


@dataclass(frozen=True)
class Module:
    """A source and the name it has in tracebacks."""

    source: Path
    name: str


class Compiler:
    """Compiles with Debian's interpreter out of an unpacked root."""

    def __init__(self, machine: Target, root: Path) -> None:
        """`root` holds the interpreter, its libraries and its modules."""
        libraries = root / "lib" / machine.triplet
        self._interpreter = (
            *(libraries / machine.loader, "--library-path"),
            f"{libraries}:{root / 'usr/lib' / machine.triplet}",
            root / "usr/bin" / PYTHON,
        )
        self._home = root / "usr"

    def compile(self, modules: Iterable[Module], folder: Path) -> dict[str, bytes]:
        """Return the compiled bytes of each module by its name; `folder` is for working in."""
        folder.mkdir(parents=True, exist_ok=True)
        jobs = [
            (str(module.source), str(folder / f"{number}.pyc"), module.name)
            for number, module in enumerate(modules)
        ]
        listed = folder / "jobs.json"
        listed.write_text(json.dumps(jobs))
        run(
            (*self._interpreter, "-s", "-S", "-B", "-c", _COMPILE, listed),
            environment={"PYTHONHOME": str(self._home), "PYTHONHASHSEED": "0"},
        )
        return {name: Path(target).read_bytes() for _, target, name in jobs}
