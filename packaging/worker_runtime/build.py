# ruff: noqa: INP001 - a script, not a package
"""Build what a phone needs to run the worker: `python build.py --abi arm64-v8a`.

Needs Python 3.11 or newer with pip, apt-get and dpkg-deb, and about 300 MB of disk; takes well
under a minute on a good line. docs/worker-runtime.md tells the rest.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Find the modules of the build and of the project, then build."""
    sys.dont_write_bytecode = True
    sys.path[:0] = [str(HERE), str(HERE.parents[1])]
    from runtime_build import command  # noqa: PLC0415 - only now on the path

    command.main()


if __name__ == "__main__":
    main()
