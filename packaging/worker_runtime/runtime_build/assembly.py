"""Putting the runtime together out of the unpacked inputs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from runtime_build import licences
from runtime_build.bytecode import Module
from runtime_build.elf import needed_libraries
from runtime_build.errors import BuildError
from runtime_build.manifest import MANIFEST_FILE, Input, manifest
from runtime_build.packing import SUMS_FILE, checksums, module_archive
from runtime_build.selection import (
    LIBRARY_FOLDERS,
    LIBRARY_PACKAGES,
    NUMPY,
    PROJECT_LICENCE,
    PYTHON,
    REPLACED,
    TEXT_PACKAGES,
    UNUSED_BINARIES,
    WHEEL_LIBRARIES,
    WHEEL_TREES,
    WHEELS,
    ModuleTree,
    extension_modules_for,
    libraries_for,
    packages_for,
)
from runtime_build.sources import Sources
from runtime_build.standard_library import is_used
from runtime_build.target import Target
from runtime_build.tree import RuntimeFile, RuntimeTree

REPLACEMENTS = "shardloom"
"""Origin of the modules written here that stand in for larger ones."""


class Assembly:
    """One runtime in the making."""

    def __init__(self, target: Target, sources: Sources, replacements: Path, licence: Path) -> None:
        """Take a folder of modules of our own as well, under the text in `licence`."""
        self._target = target
        self._sources = sources
        self._replacements = replacements
        self._licence = licence
        self._tree = RuntimeTree()

    def build(self) -> RuntimeTree:
        """Return the whole runtime. Raises `BuildError` where a part is missing."""
        self._add_libraries()
        self._add_interpreter()
        self._add_standard_library()
        numpy_root = self._sources.root("python3-numpy") / "usr/lib/python3/dist-packages"
        self._add_modules(numpy_root, NUMPY, "python3-numpy")
        for name, wheel_tree in WHEEL_TREES.items():
            self._add_modules(self._sources.root(name), wheel_tree, name)
        self._add_wheel_libraries()
        for name in REPLACED:
            self._add_modules(self._replacements, ModuleTree(name), REPLACEMENTS)
        self._check_libraries()
        self._add_lists()
        return self._tree

    def _add_libraries(self) -> None:
        for name in libraries_for(self._target):
            source, origin = self._find_library(name)
            self._tree.copy(source, f"lib/{name}", origin)
        loader, origin = self._find_library(self._target.loader)
        self._tree.copy(loader, f"lib/{self._target.loader}", origin, executable=True)

    def _find_library(self, name: str) -> tuple[Path, str]:
        for package in packages_for(self._target):
            for folder in LIBRARY_FOLDERS:
                place = folder.format(triplet=self._target.triplet)
                path = self._sources.root(package) / place / name
                if path.is_file():
                    return path, package
        raise BuildError(f"No package has the library {name}.")

    def _add_interpreter(self) -> None:
        source = self._sources.root("python3.11-minimal") / "usr/bin" / PYTHON
        self._tree.copy(source, "lib/python3", "python3.11-minimal", executable=True)
        for name in extension_modules_for(self._target):
            module, origin = self._find_extension_module(name)
            self._tree.copy(module, f"lib/{PYTHON}/lib-dynload/{module.name}", origin)

    def _find_extension_module(self, name: str) -> tuple[Path, str]:
        for origin in LIBRARY_PACKAGES:
            folder = self._sources.root(origin) / "usr/lib" / PYTHON / "lib-dynload"
            for path in folder.glob(f"{name}.*.so"):
                return path, origin
        raise BuildError(f"The interpreter has no compiled module {name}.")

    def _add_standard_library(self) -> None:
        modules: list[Module] = []
        for origin in LIBRARY_PACKAGES:
            root = self._sources.root(origin) / "usr/lib" / PYTHON
            for path in _sources_below(root, frozenset()):
                name = path.relative_to(root)
                if is_used(PurePosixPath(name)):
                    modules.append(Module(path, name.as_posix()))
        compiled = self._compile(modules, "library")
        content = module_archive({f"{name}c": code for name, code in compiled.items()})
        self._tree.add("lib/python311.zip", RuntimeFile(content, LIBRARY_PACKAGES))

    def _add_modules(self, root: Path, wanted: ModuleTree, origin: str) -> None:
        folder = root / wanted.name
        paths = list(_sources_below(folder, wanted.without))
        modules = [Module(path, path.relative_to(root).as_posix()) for path in paths]
        if not modules:
            raise BuildError(f"{origin} has no modules of {wanted.name}.")
        for name, code in self._compile(modules, wanted.name).items():
            self._tree.add(f"{name}c", RuntimeFile(code, (origin,)))
        for path in _binaries_below(folder, wanted.without):
            self._tree.copy(path, path.relative_to(root).as_posix(), origin)

    def _add_wheel_libraries(self) -> None:
        for name, folder in WHEEL_LIBRARIES.items():
            root = self._sources.root(name)
            for path in sorted((root / folder).iterdir()):
                self._tree.copy(path, path.relative_to(root).as_posix(), name)

    def _compile(self, modules: list[Module], name: str) -> dict[str, bytes]:
        folder = self._sources.folder / "compiled" / name
        return self._sources.compiler.compile(modules, folder)

    def _check_libraries(self) -> None:
        held = {Path(path).name for path, _ in self._tree.items()}
        for path, file in self._tree.items():
            lacking = set(needed_libraries(file.content)) - held
            if lacking:
                raise BuildError(f"{path} needs {', '.join(sorted(lacking))}: not in the runtime.")

    def _add_lists(self) -> None:
        inputs = [*self._package_inputs(), *self._wheel_inputs()]
        text = f"{licences.FOLDER}/{REPLACEMENTS}.txt"
        self._tree.copy(self._licence, text, REPLACEMENTS)
        inputs.append(Input(REPLACEMENTS, "", "project", "", "", PROJECT_LICENCE, text))
        content = manifest(self._target, inputs, self._tree)
        self._tree.add(MANIFEST_FILE, RuntimeFile(content, (REPLACEMENTS,)))
        self._tree.add(SUMS_FILE, RuntimeFile(checksums(self._tree), (REPLACEMENTS,)))

    def _package_inputs(self) -> Iterator[Input]:
        licence_of = {**packages_for(self._target), **dict.fromkeys(TEXT_PACKAGES, "texts only")}
        for name, package in self._sources.packages.items():
            text = licences.add_debian_text(self._tree, self._sources.folder, name)
            yield Input(
                name,
                package.version,
                "debian",
                package.path.name,
                package.sha256,
                licence_of[name],
                text,
                package.source,
            )
        licences.add_common_texts(self._tree, self._sources.root("base-files"))

    def _wheel_inputs(self) -> Iterator[Input]:
        for name, wheel in self._sources.wheels.items():
            text = licences.add_wheel_texts(self._tree, self._sources.root(name), name)
            yield Input(
                name, wheel.version, "wheel", wheel.path.name, wheel.sha256, WHEELS[name], text
            )


def _sources_below(folder: Path, without: frozenset[str]) -> Iterator[Path]:
    for path in sorted(folder.rglob("*.py")):
        if path.is_file() and _is_wanted(path, folder, without):
            yield path


def _binaries_below(folder: Path, without: frozenset[str]) -> Iterator[Path]:
    for path in sorted(folder.rglob("*.so")):
        if _is_wanted(path, folder, without) and not path.name.startswith(UNUSED_BINARIES):
            yield path


def _is_wanted(path: Path, folder: Path, without: frozenset[str]) -> bool:
    relative = path.relative_to(folder)
    names = {relative.as_posix(), *(parent.as_posix() for parent in relative.parents)}
    return not names & without and "tests" not in relative.parts
