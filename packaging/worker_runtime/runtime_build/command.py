"""The command: build the runtime of one kind of phone and keep it where it is looked for."""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.devices.deployment.phone_runtime import RuntimeFacts, cache_folder, runtime_folder, store
from runtime_build import debian
from runtime_build.assembly import Assembly
from runtime_build.errors import BuildError
from runtime_build.packing import SUMS_FILE, pack
from runtime_build.sources import fetch, lay_out
from runtime_build.target import TARGETS, Target, building_machine
from runtime_build.tree import RuntimeTree

DESCRIPTION = "Build what a phone needs to run the worker."
_FOLDER = Path(__file__).resolve().parents[1]
ROOT = _FOLDER.parents[1]
"""The checkout, or the folder into which a wheel was installed."""
MAXIMUM_UNPACKED_BYTES = 75_000_000
MAXIMUM_ARCHIVE_BYTES = 28_000_000
REPLACEMENTS = _FOLDER / "replacements"


def _there(*places: Path) -> Path:
    """Return the first of the places where there is a file; a wheel keeps some elsewhere."""
    return next((place for place in places if place.is_file()), places[-1])


LOCK = _there(_FOLDER / "locks" / "runtime.txt", ROOT / "packaging" / "locks" / "runtime.txt")
LICENCE = _there(*ROOT.glob("shardloom-*.dist-info/licenses/LICENSE"), ROOT / "LICENSE")


def say(line: str) -> None:
    """Show one line of progress at once."""
    print(f"worker runtime: {line}", file=sys.stderr, flush=True)  # noqa: T201 - a command-line tool


def assemble(target: Target, mirrors: debian.Mirrors, cache: Path) -> RuntimeTree:
    """Download, lay out and put together the runtime of one target."""
    machine = building_machine(platform.machine())
    with _alone_in(cache), tempfile.TemporaryDirectory(prefix="shardloom-runtime-") as folder:
        say(f"fetching Debian packages and wheels for {target.abi}")
        fetched = fetch(target, machine, mirrors, LOCK.read_text(), cache)
        sources = lay_out(target, machine, fetched, Path(folder))
        say("compiling and putting together")
        return Assembly(target, sources, REPLACEMENTS, LICENCE).build()


@contextmanager
def _alone_in(cache: Path) -> Iterator[None]:
    """Wait until no other build works in the cache, and keep others out meanwhile."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def facts_of(target: Target, tree: RuntimeTree, archive: bytes) -> RuntimeFacts:
    """Return what a phone is told; refuses a runtime that outgrew its limits."""
    sums = next(file.content for path, file in tree.items() if path == SUMS_FILE)
    for size_bytes, limit_bytes, what in (
        (tree.size_bytes, MAXIMUM_UNPACKED_BYTES, "unpacked"),
        (len(archive), MAXIMUM_ARCHIVE_BYTES, "packed"),
    ):
        say(f"{size_bytes / 1e6:.1f} MB {what} (at most {limit_bytes / 1e6:.0f})")
        if size_bytes > limit_bytes:
            raise BuildError(f"The runtime is too large {what}: take something out of it.")
    return RuntimeFacts(
        abi=target.abi,
        version=hashlib.sha256(archive).hexdigest(),
        sums_sha256=hashlib.sha256(sums).hexdigest(),
        archive_bytes=len(archive),
        unpacked_bytes=tree.size_bytes,
    )


def arguments() -> argparse.Namespace:
    """Return what was asked for on the command line."""
    parser = argparse.ArgumentParser(description=DESCRIPTION)
    parser.add_argument("--abi", choices=sorted(TARGETS), required=True)
    parser.add_argument("--out", type=Path, default=runtime_folder(), metavar="DIR")
    parser.add_argument("--cache", type=Path, default=cache_folder() / "downloads", metavar="DIR")
    parser.add_argument("--mirror", metavar="URI", help="Debian's archive, if not this machine's")
    parser.add_argument("--security-mirror", metavar="URI", help="and its security updates")
    return parser.parse_args()


def main() -> None:
    """Build, and leave the archive with its facts where the control centre looks for it."""
    asked = arguments()
    target = TARGETS[asked.abi]
    try:
        given = debian.Mirrors(asked.mirror, asked.security_mirror) if asked.mirror else None
        mirrors = given or debian.Mirrors.of_this_machine()
        tree = assemble(target, mirrors, asked.cache.resolve())
        archive = pack(tree)
        facts = facts_of(target, tree, archive)
    except BuildError as error:
        say(str(error))
        raise SystemExit(error.exit_status) from None
    say(f"written: {store(asked.out, facts, archive)}")
