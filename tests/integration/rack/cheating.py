"""The worker's archive with a cheat in it, for phones of a test to be given."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import tests.integration.cheating_worker
from app.devices.deployment.runtime_bundle import RuntimeBundle, build_runtime_bundle
from tests.integration.cheating_worker import Cheat

MAIN = "workers/__main__.py"
ENTRY = 'if __name__ == "__main__":'


def cheating_bundle(cheat: Callable[[Cheat], None], stage: str, claim: Path) -> RuntimeBundle:
    """Return the worker's archive with a cheat in it."""
    honest = build_runtime_bundle()
    install = f"from pathlib import Path\nfrom workers import cheating\n\ncheating.{cheat.__name__}"
    install += f"(cheating.Cheat(Path({str(claim)!r}), {stage!r}))\n\n"
    archive = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(honest.archive)) as source,
        zipfile.ZipFile(archive, "w") as target,
    ):
        for name in source.namelist():
            content = source.read(name)
            if name == MAIN:
                content = content.replace(ENTRY.encode(), (install + ENTRY).encode())
            if name != f"{MAIN}c":
                target.writestr(name, content)
        target.writestr(
            "workers/cheating.py", Path(tests.integration.cheating_worker.__file__).read_text()
        )
    bundle = archive.getvalue()
    return RuntimeBundle(bundle, hashlib.sha256(bundle).hexdigest())
