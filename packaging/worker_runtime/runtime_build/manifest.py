"""The list of everything in a runtime: what was taken from where, under which licence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from runtime_build.target import Target
from runtime_build.tree import RuntimeTree

MANIFEST_FILE = "MANIFEST.json"


@dataclass(frozen=True)
class Input:
    """Something the runtime was made from."""

    name: str
    version: str
    kind: str
    """`debian`, `wheel` or `project`."""
    file: str
    sha256: str
    licence: str
    """SPDX expression; the text below `licence_text` is what counts."""
    licence_text: str
    source: str = ""


def manifest(target: Target, inputs: Sequence[Input], tree: RuntimeTree) -> bytes:
    """Return the manifest as JSON: the inputs; every file with hash, size, origins and licence."""
    licences = {each.name: each.licence for each in inputs}
    files = [
        {
            "path": path,
            "sha256": hashlib.sha256(file.content).hexdigest(),
            "size_bytes": len(file.content),
            "origins": list(file.origins),
            "licence": " AND ".join(sorted({licences[origin] for origin in file.origins})),
        }
        for path, file in tree.items()
    ]
    table = {
        "abi": target.abi,
        "inputs": [asdict(each) for each in inputs],
        "files": files,
    }
    return (json.dumps(table, indent=1, sort_keys=True) + "\n").encode()
