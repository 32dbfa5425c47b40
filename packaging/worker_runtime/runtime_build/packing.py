"""Writing the runtime as one archive: the same files make the same bytes, whoever packs them."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import PurePosixPath

from runtime_build.tree import RuntimeFile, RuntimeTree

SUMS_FILE = "SHA256SUMS"
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_COMPRESSION_LEVEL = 9


def module_archive(modules: Mapping[str, bytes]) -> bytes:
    """Return a zip of compiled modules, not compressed: the whole is, once."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(modules.items()):
            archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), content)
    return target.getvalue()


def checksums(tree: RuntimeTree) -> bytes:
    """Return one `sha256sum` line for every file."""
    lines = [f"{hashlib.sha256(file.content).hexdigest()}  {path}\n" for path, file in tree.items()]
    return "".join(lines).encode()


def pack(tree: RuntimeTree) -> bytes:
    """Return a gzipped tar of all files and their folders, with neither owners nor dates."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT) as archive:
        folders: set[str] = set()
        for path, file in tree.items():
            for parent in reversed(PurePosixPath(path).parents):
                if str(parent) != "." and str(parent) not in folders:
                    folders.add(str(parent))
                    archive.addfile(_folder(str(parent)))
            archive.addfile(_entry(path, file), io.BytesIO(file.content))
    return gzip.compress(plain.getvalue(), _COMPRESSION_LEVEL, mtime=0)


def _folder(path: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    return entry


def _entry(path: str, file: RuntimeFile) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(file.content), 0o755 if file.executable else 0o644
    return entry
