"""Starts the exporting process, follows it, and ends it where nobody waits for it any more."""

from __future__ import annotations

import importlib.util
import json
import os
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from app.core.errors import BadInputError
from app.models.exporting.kept import kept_export

NEEDED = ("torch", "transformers", "onnxscript")
INSTALL_LINE = "pip install 'shardloom[import]'"
PULSE_S = 0.5
"""How often a caller is told that the process is still at work, and may so give up."""
_END_S = 10.0
_READ_BYTES = 1 << 16

Stage = Callable[[str], None]
"""Called with what the process does; an exception from it ends the process."""


@contextmanager
def exported(folder: Path, architecture: str, workspace: Path, stage: Stage) -> Iterator[Path]:
    """Export a Hugging Face folder; yields the ONNX file, gone afterwards.

    `architecture` is how messages name it. Where the import is interrupted the file stays in the
    workspace, and the next import of the same checkpoint gets it. The process needs three times the
    checkpoint's size in float32 of memory, and the workspace once of disk. Raises `BadInputError`
    where packages are missing or the architecture cannot be exported.
    """
    require_exporter(architecture)
    stage("looking for an earlier export")
    with kept_export(folder, workspace) as kept:
        if not kept.is_whole():
            with kept.attempt() as target:
                error = _run(folder.resolve(), target, stage)
                if error is not None:
                    raise BadInputError(f"{architecture} cannot be exported: {error}")
        yield kept.graph


def require_exporter(architecture: str) -> None:
    """Raise `BadInputError` where packages are missing that export an architecture."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise BadInputError(
            f"Importing {architecture} needs {' and '.join(missing)}, not installed here; "
            f"type: {INSTALL_LINE}"
        )


def _run(folder: Path, target: Path, stage: Stage) -> str | None:
    """Run the process to its end; returns what went wrong, if anything did."""
    command = [sys.executable, "-m", __package__, str(folder), str(target)]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    with tempfile.TemporaryFile() as noise:
        process = subprocess.Popen(  # noqa: S603 - our own module
            command, stdout=subprocess.PIPE, stderr=noise, env=environment
        )
        try:
            error = _follow(process, stage)
            code = process.wait()
        finally:
            _end(process)
        if error is None and code:
            error = f"the process ended with status {code}: {_last_line(noise)}"
    return error


def _last_line(noise: IO[bytes]) -> str:
    noise.seek(0)
    lines = noise.read().decode(errors="replace").strip().splitlines() or ["it said nothing"]
    return lines[-1][:300]


def _follow(process: subprocess.Popen[bytes], stage: Stage) -> str | None:
    """Pass the process's stages on until its output ends; returns the error it told, if any."""
    label, error, rest = "starting torch", None, b""
    stage(label)
    output = process.stdout
    if output is None:
        return "it has no output"
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while True:
            content = os.read(output.fileno(), _READ_BYTES) if selector.select(PULSE_S) else None
            if content == b"":
                return error
            *lines, rest = (rest + (content or b"")).split(b"\n")
            for fields in map(json.loads, lines):
                label, error = fields.get("stage", label), fields.get("error", error)
                stage(label)
            if not lines:
                stage(label)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
