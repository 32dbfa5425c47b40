"""Everything the runtime is made from, downloaded and laid out, one folder an input."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runtime_build import debian, wheels
from runtime_build.bytecode import Compiler
from runtime_build.errors import BuildError
from runtime_build.selection import (
    COMPILER_PACKAGES,
    LIBRARY_PACKAGES,
    RELEASE,
    TEXT_PACKAGES,
    WHEELS,
    packages_for,
)
from runtime_build.target import Target


@dataclass(frozen=True)
class Sources:
    """The inputs of one build, with the folders they were unpacked into."""

    packages: dict[str, debian.Package]
    wheels: dict[str, wheels.Wheel]
    folder: Path
    compiler: Compiler

    def root(self, name: str) -> Path:
        """Return the folder of the package or wheel of that name."""
        return self.folder / name


def fetch(
    target: Target, machine: Target, mirrors: debian.Mirrors, lock: str, cache: Path
) -> tuple[list[debian.Package], list[debian.Package], list[wheels.Wheel]]:
    """Return the target's packages, those of the building machine's compiler, and the wheels."""
    architectures = tuple(dict.fromkeys((target.architecture, machine.architecture)))
    archive = debian.DebianArchive(cache / "debian", mirrors, RELEASE, architectures)
    archive.update()
    own = archive.download([*packages_for(target), *TEXT_PACKAGES])
    compilers = archive.download([f"{name}:{machine.architecture}" for name in COMPILER_PACKAGES])
    requirements = wheels.locked_requirements(lock, tuple(WHEELS))
    return own, compilers, wheels.download_wheels(target, requirements, cache)


def lay_out(
    target: Target,
    machine: Target,
    fetched: tuple[list[debian.Package], list[debian.Package], list[wheels.Wheel]],
    folder: Path,
) -> Sources:
    """Unpack everything below an empty folder."""
    own, compilers, wheel_list = fetched
    packages = {package.name: package for package in own}
    for package in own:
        debian.unpack(package, folder / package.name)
    wheel_by_name = {wheel.name: wheel for wheel in wheel_list}
    for wheel in wheel_list:
        wheels.unpack(wheel, folder / wheel.name)
    missing = {*packages_for(target), *TEXT_PACKAGES, *WHEELS} - {*packages, *wheel_by_name}
    if missing:
        raise BuildError(f"These parts were not downloaded: {', '.join(sorted(missing))}.")
    root = folder / "compiler"
    for package in (*compilers, *(packages[name] for name in LIBRARY_PACKAGES)):
        debian.unpack(package, root)
    return Sources(packages, wheel_by_name, folder, Compiler(machine, root))
