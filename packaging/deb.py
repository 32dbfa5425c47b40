# ruff: noqa: INP001 - a script, not a package
"""Build the Debian package, or try one on a bare system: `deb.py build`, `deb.py test`.

Needs root, debootstrap, git and a package archive; Python's standard library only. The package is
made of what is committed, for the release named by `--suite`, with that release's own Python.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from deb_package.building import build  # noqa: E402 - only now on the path
from deb_package.chroot import Archive, PackagingError  # noqa: E402 - same
from deb_package.trial import try_package  # noqa: E402 - same


def main() -> None:
    """Do what the command line says; end with one line where it cannot be done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("build", "test"))
    parser.add_argument("--suite", default="bookworm", help="the release; bookworm")
    parser.add_argument("--mirror", default="", help="the archive; debootstrap's own")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where the package lies")
    arguments = parser.parse_args()
    archive = Archive(arguments.suite, arguments.mirror)
    out = arguments.out.resolve()
    try:
        built = arguments.what == "build"
        told = build(ROOT, archive, out) if built else try_package(archive, out)
        print(told)  # noqa: T201 - a command-line tool
    except PackagingError as error:
        sys.exit(f"{parser.prog}: {error}")


if __name__ == "__main__":
    main()
