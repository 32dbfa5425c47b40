"""The licence texts that travel with the runtime."""

from __future__ import annotations

import re
from pathlib import Path

from runtime_build.errors import BuildError
from runtime_build.tree import RuntimeFile, RuntimeTree

FOLDER = "licences"
_COMMON = re.compile(rb"/usr/share/common-licenses/([A-Za-z0-9.+-]*[A-Za-z0-9])")
_TEXT_NAME = re.compile(r"(?:licen[cs]e|copying|notice|thirdpartynotices)", re.IGNORECASE)


def add_debian_text(tree: RuntimeTree, folder: Path, name: str) -> str:
    """Add a package's copyright file, or its owner's it points at; returns its path in the runtime.

    `folder` holds each unpacked package below its name.
    """
    documents = folder / name / "usr/share/doc" / name
    owner = documents.readlink().name if documents.is_symlink() else name
    source = folder / owner / "usr/share/doc" / owner / "copyright"
    if not source.is_file():
        raise BuildError(f"The package {name} has no copyright file.")
    path = f"{FOLDER}/{owner}.txt"
    if path not in tree:
        tree.copy(source, path, owner)
    return path


def add_common_texts(tree: RuntimeTree, root: Path) -> None:
    """Add each common licence that a text in the tree refers to."""
    texts = [file.content for path, file in tree.items() if path.startswith(f"{FOLDER}/")]
    wanted = {name.decode() for text in texts for name in _COMMON.findall(text)}
    common = root / "usr/share/common-licenses"
    for name in sorted(wanted):
        if (common / name).is_file():
            tree.copy(common / name, f"{FOLDER}/common/{name}", "base-files")


def add_wheel_texts(tree: RuntimeTree, root: Path, name: str) -> str:
    """Add all licence texts of an unpacked wheel as one; returns its path in the runtime."""
    found = sorted(
        path for path in root.rglob("*") if path.is_file() and _TEXT_NAME.match(path.name)
    )
    texts = [path for path in found if path.suffix not in {".py", ".pyi"}]
    if not texts:
        raise BuildError(f"The wheel of {name} has no licence text.")
    parts = [
        f"== {path.relative_to(root).as_posix()}\n\n".encode() + path.read_bytes() + b"\n"
        for path in texts
    ]
    path = f"{FOLDER}/{name}.txt"
    tree.add(path, RuntimeFile(b"\n".join(parts), (name,)))
    return path
