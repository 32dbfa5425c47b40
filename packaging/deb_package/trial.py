"""A package on a bare system that has never seen Shardloom: what a newcomer would meet."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Final

from deb_package.building import PROGRAM
from deb_package.chroot import Archive, Chroot, PackagingError, bare_system, say

MOST_INSTALLED_BYTES: Final = 650_000_000
PACKAGE: Final = "/srv/shardloom.deb"
USER: Final = "newcomer"
TOKENS: Final = 12
JOB: Final = ("run", "demo", "--rack", "virtual:2", "--prompt", "In the beginning", "--json")


def try_package(archive: Archive, out: Path) -> str:
    """Install the newest package of a folder and let it run its job; return what was found.

    Raises `PackagingError` for whatever does not hold.
    """
    packages = sorted(out.glob("shardloom_*.deb"), key=lambda each: each.stat().st_mtime)
    if not packages:
        raise PackagingError(f"there is no package in {out}; type: make deb")
    with bare_system(archive) as chroot:
        shutil.copy(packages[-1], chroot.inner(PACKAGE))
        say(f"installing {packages[-1].name}")
        chroot.install(PACKAGE)
        chroot.run("useradd", "--create-home", USER)
        size_bytes = installed_bytes(chroot)
        say("running the headless job as an ordinary user")
        said = chroot.run("shardloom", "--patience", "5", user=USER)
        tokens, receipts = answer(chroot)
        look_after(chroot)
    return (
        f"{packages[-1].name}: {size_bytes / 1e6:.0f} MB installed, without torch; the job said"
        f" {said.strip()[:40]!r}...; {tokens} tokens with {receipts} receipts; removed whole"
    )


def installed_bytes(chroot: Chroot) -> int:
    """Return what the package takes. Raises `PackagingError` where that is too much."""
    size_bytes = int(chroot.run("du", "-sb", PROGRAM).split()[0])
    if size_bytes > MOST_INSTALLED_BYTES:
        raise PackagingError(f"{size_bytes} bytes installed, {MOST_INSTALLED_BYTES} allowed")
    if list(chroot.inner(PROGRAM).glob("lib/python*/site-packages/torch*")):
        raise PackagingError("torch is in the package")
    return size_bytes


def answer(chroot: Chroot) -> tuple[int, int]:
    """Return how many tokens the demo model wrote on two virtual phones, and the receipts."""
    command = ("shardloom", *JOB, "--tokens", str(TOKENS), "--patience", "5")
    outcome = json.loads(chroot.run(*command, user=USER))
    found = len(outcome["token_ids"]), int(outcome["receipts"])
    if found != (TOKENS, 2):
        raise PackagingError(f"the job did not end well: {json.dumps(outcome)[:300]}")
    return found


def look_after(chroot: Chroot) -> None:
    """Raise `PackagingError` where a file was altered by running, or stays when it is removed."""
    if altered := chroot.run("dpkg", "--verify", "shardloom"):
        raise PackagingError(f"altered since it was installed: {altered.splitlines()[0]}")
    chroot.run("apt-get", "purge", "-y", "-q", "shardloom")
    if left := list(chroot.inner(PROGRAM).glob("*")):
        raise PackagingError(f"left behind: {left[0]}")
