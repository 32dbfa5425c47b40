"""The runtime for phones, as packaging/worker_runtime builds it and this computer keeps it.

An archive and, beside it, the facts a phone is told. Neither is in the repository: the archive is
built from Debian's packages and Python's wheels by one command.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from app.core.errors import BadInputError, reason_of
from app.core.facts import Fact
from app.core.identifiers import is_sha256

SUPPORTED_ABIS: Final = ("arm64-v8a", "x86_64")
BUILD_COMMAND: Final = "shardloom runtime build --abi {abi}"
_SHORT: Final = 16


@dataclass(frozen=True)
class RuntimeFacts:
    """What is known of an archive without opening it; hashes are lower-case hexadecimal."""

    abi: str
    version: str
    """SHA-256 of the archive."""
    sums_sha256: str
    """SHA-256 of the list of hashes in it."""
    archive_bytes: int
    unpacked_bytes: int

    @property
    def folder_name(self) -> str:
        """Its folder on a phone."""
        return f"runtime-{self.version[:_SHORT]}"

    @staticmethod
    def from_json(text: str) -> RuntimeFacts:
        """Read what `store` wrote.

        Raises `ValueError`, `TypeError` or `BadInputError` where it is anything else.
        """
        facts = RuntimeFacts(**json.loads(text))
        if not (is_sha256(facts.version) and is_sha256(facts.sums_sha256)):
            raise BadInputError("phone_runtime.odd_hash")
        if not (type(facts.archive_bytes) is int and type(facts.unpacked_bytes) is int):
            raise BadInputError("phone_runtime.odd_size")
        return facts


@dataclass(frozen=True)
class PhoneRuntime:
    """An archive whose bytes were found to be the ones its facts name."""

    facts: RuntimeFacts
    path: Path


def cache_folder() -> Path:
    """Return the folder for what can be made again."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "shardloom"


def runtime_folder() -> Path:
    """Return the folder in which archives are kept."""
    return cache_folder() / "worker-runtime"


def archive_path(folder: Path, abi: str) -> Path:
    """Return the archive's place for an ABI in Android's words."""
    return folder / f"worker-runtime-{abi}.tar.gz"


def store(folder: Path, facts: RuntimeFacts, archive: bytes) -> Path:
    """Keep an archive with its facts and return its path; the one before it is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    path = archive_path(folder, facts.abi)
    for target, content in ((path, archive), (_facts_path(path), _facts_text(facts))):
        draft = target.with_name(f"{target.name}.new")
        draft.write_bytes(content)
        draft.replace(target)
    return path


def find_runtime(abi: str, folder: Path | None = None) -> PhoneRuntime | None:
    """Return the archive for an ABI, None where none was built or none can be.

    Raises `BadInputError` where what is there is damaged.
    """
    if abi not in SUPPORTED_ABIS:
        return None
    path = archive_path(folder or runtime_folder(), abi)
    try:
        facts = RuntimeFacts.from_json(_facts_path(path).read_text("utf-8"))
        with path.open("rb") as file:
            version = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, BadInputError) as error:
        raise BadInputError(
            "phone_runtime.unusable",
            name=path.name,
            reason=reason_of(error),
            remedy=how_to_build(abi),
        ) from None
    if version != facts.version or facts.abi != abi:
        raise BadInputError("phone_runtime.damaged", name=path.name, remedy=how_to_build(abi))
    return PhoneRuntime(facts, path)


def how_to_build(abi: str) -> Fact:
    """Return how to get the archive, or that there can be none."""
    if abi in SUPPORTED_ABIS:
        return Fact("phone_runtime.build", command=BUILD_COMMAND.format(abi=abi))
    if not abi:
        return Fact("phone_runtime.never_for_this_phone", supported=SUPPORTED_ABIS)
    return Fact("phone_runtime.never", supported=SUPPORTED_ABIS, abi=abi)


def _facts_path(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(".tar.gz") + ".json")


def _facts_text(facts: RuntimeFacts) -> bytes:
    return (json.dumps(asdict(facts), indent=1) + "\n").encode()
