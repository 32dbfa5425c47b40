"""The package: an environment with all it needs, made where it will lie, and what points at it."""

from __future__ import annotations

import gzip
import shutil
import tomllib
from pathlib import Path
from typing import Final

from app.command_line.machine.system_libraries import QT_LIBRARIES
from deb_package.chroot import Archive, Chroot, bare_system, execute, index_environment, say

PROGRAM: Final = "/usr/lib/shardloom"
"""Where the environment lies; its scripts name it, so it is made there."""
IDENTIFIER: Final = "org.shardloom.Shardloom"
FILES: Final = Path(__file__).parent / "files"
LOCKS: Final = "packaging/locks"
TOOLS: Final = ("python3", "python3-venv", "ca-certificates", "appstream", "desktop-file-utils")
UNUSED: Final = ("onnx/backend/test", "numpy/**/tests", "pulp/tests", "PySide6/Qt/qml")
"""Tests of libraries, and Qt's other language, below the environment's packages."""
_SOURCE: Final = "/build/source"
_TREE: Final = "/build/tree"
_VERSIONS: Final = (
    "from sys import version_info as v; print(*(f'{v[0]}.{v[1] + i}' for i in (0, 1)))"
)


def build(checkout: Path, archive: Archive, out: Path) -> Path:
    """Build the package of what is committed and return where it lies.

    Raises `PackagingError`.
    """
    with bare_system(archive, TOOLS) as chroot:
        unpack(checkout, chroot)
        say("installing the runtime packages into it")
        install_environment(chroot)
        lay_out(chroot, version_of(checkout))
        say("packing")
        chroot.run("dpkg-deb", "-Zzstd", "-z9", "--root-owner-group", "--build", _TREE, "/build")
        (built,) = chroot.inner("/build").glob("*.deb")
        out.mkdir(exist_ok=True)
        return Path(shutil.copy(built, out))


def version_of(checkout: Path) -> str:
    """Return the version that pyproject.toml names."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    return str(project["version"])


def unpack(checkout: Path, chroot: Chroot) -> None:
    """Lay what is committed into the system."""
    source = chroot.inner(_SOURCE)
    source.mkdir(parents=True)
    archive = source.parent / "source.tar"
    execute(["git", "-C", str(checkout), "archive", "--output", str(archive), "HEAD"])
    shutil.unpack_archive(archive, source, filter="data")


def install_environment(chroot: Chroot) -> None:
    """Make the environment by the system's own Python, of exact locks; torch is none of them."""
    variables = index_environment(chroot)
    chroot.run("python3", "-m", "venv", PROGRAM)
    pip = (f"{PROGRAM}/bin/python", "-m", "pip", "install", "-q", "--no-build-isolation")
    for lock in ("build.txt", "runtime.txt"):
        options = ("--require-hashes", "-r", f"{_SOURCE}/{LOCKS}/{lock}")
        chroot.run(*pip, *options, environment=variables)
    chroot.run(*pip, "--no-deps", _SOURCE, environment=variables)
    for pattern in UNUSED:
        for found in chroot.inner(PROGRAM).glob(f"lib/python*/site-packages/{pattern}"):
            shutil.rmtree(found)


def lay_out(chroot: Chroot, version: str) -> None:
    """Put everything where the package installs it, with its description."""
    tree, source = chroot.inner(_TREE), chroot.inner(_SOURCE)
    shutil.move(chroot.inner(PROGRAM), tree / PROGRAM.lstrip("/"))
    for name, target in shared_files().items():
        place(source / name, tree / target)
    unit = tree / "usr/lib/systemd/user/shardloom.service"
    unit.write_text(unit.read_text().replace("%h/.local/bin/", "/usr/bin/"))
    link = tree / "usr/bin/shardloom"
    link.parent.mkdir(parents=True)
    link.symlink_to("../lib/shardloom/bin/shardloom")
    changelog = tree / "usr/share/doc/shardloom/changelog.gz"
    changelog.write_bytes(gzip.compress((source / "CHANGELOG.md").read_bytes(), mtime=0))
    description = tree / "DEBIAN/control"
    description.parent.mkdir()
    description.write_text(control(chroot, version))
    validate(chroot)


def shared_files() -> dict[str, str]:
    """Return which file of the checkout is installed where."""
    own = "packaging/deb_package/files"
    return {
        f"{own}/{IDENTIFIER}.desktop": f"usr/share/applications/{IDENTIFIER}.desktop",
        f"{own}/{IDENTIFIER}.metainfo.xml": f"usr/share/metainfo/{IDENTIFIER}.metainfo.xml",
        f"{own}/copyright": "usr/share/doc/shardloom/copyright",
        "README.md": "usr/share/doc/shardloom/README.md",
        "THIRD_PARTY.md": "usr/share/doc/shardloom/THIRD_PARTY.md",
        "assets/icons/shardloom.svg": f"usr/share/icons/hicolor/scalable/apps/{IDENTIFIER}.svg",
        "assets/udev/70-android-adb.rules": "usr/lib/udev/rules.d/70-shardloom-adb.rules",
        "packaging/systemd/shardloom.service": "usr/lib/systemd/user/shardloom.service",
    }


def place(file: Path, target: Path) -> None:
    """Copy a file to where it belongs."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)
    target.chmod(0o644)


def control(chroot: Chroot, version: str) -> str:
    """Return the package's description (deb-control(5)), for the very Python it was made with."""
    python, newer = chroot.run("python3", "-c", _VERSIONS).split()
    size = chroot.run("du", "-sk", "--apparent-size", f"{_TREE}/usr").split()[0]
    template = (FILES / "control").read_text()
    return template.format(
        version=version,
        architecture=chroot.run("dpkg", "--print-architecture").strip(),
        python=python,
        newer=newer,
        size=size,
        libraries=", ".join(sorted(set(QT_LIBRARIES.values()))),
    )


def validate(chroot: Chroot) -> None:
    """Have the release's own tools look at the desktop entry and at AppStream's metadata."""
    share = f"{_TREE}/usr/share"
    chroot.run("desktop-file-validate", f"{share}/applications/{IDENTIFIER}.desktop")
    metadata = f"{share}/metainfo/{IDENTIFIER}.metainfo.xml"
    chroot.run("appstreamcli", "validate", "--no-net", "--explain", metadata)
