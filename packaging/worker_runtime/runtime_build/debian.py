"""Debian packages of any processor, through apt with a state of its own.

The machine's own apt state, sources and installed packages are neither changed nor consulted,
but for one thing: where Debian's archive is reached.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path

from runtime_build.commands import download, run
from runtime_build.errors import BuildError, UnavailableError
from runtime_build.hashing import file_sha256

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_DEBIAN_RELEASE = re.compile(r"(?:buster|bullseye|bookworm|trixie|forky|duke|sid|stable|testing)")
_SECURITY = "-security"


@dataclass(frozen=True)
class Mirrors:
    """Where Debian's archive and its security updates are reached."""

    main: str
    security: str | None

    @staticmethod
    def of_this_machine() -> Mirrors:
        """Return those this machine uses. Raises `UnavailableError` where it is not Debian."""
        layout = "$(REPO_URI) $(RELEASE)"
        listed = run(("apt-get", "indextargets", "--format", layout, "Created-By: Packages"))
        pairs = [line.split() for line in listed.splitlines() if len(line.split()) == 2]
        debian = [(uri, release) for uri, release in pairs if _DEBIAN_RELEASE.match(release)]
        main = next((uri for uri, release in debian if "-" not in release), None)
        if main is None:
            raise UnavailableError(
                "This machine's package sources are not Debian's: "
                "say where Debian's archive is with --mirror URI."
            )
        return Mirrors(main, next((uri for uri, each in debian if each.endswith(_SECURITY)), None))


@dataclass(frozen=True)
class Package:
    """A downloaded package."""

    name: str
    version: str
    architecture: str
    source: str
    """Source package, with its version where that differs."""
    path: Path
    sha256: str


class DebianArchive:
    """Downloads packages of one release; everything it writes lies below its folder."""

    def __init__(
        self, folder: Path, mirrors: Mirrors, release: str, architectures: Sequence[str]
    ) -> None:
        """`architectures`: the first one is meant where a package names none."""
        if not KEYRING.is_file():
            raise UnavailableError(
                f"{KEYRING} is missing. Type: sudo apt-get install debian-archive-keyring"
            )
        self._folder = folder / f"{release}-{'-'.join(architectures)}"
        self._configuration = self._folder / "apt.conf"
        self._packages = self._folder / "packages"
        for name in ("state/lists/partial", "cache/archives/partial", "packages", "preferences"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        (self._folder / "status").touch()
        (self._folder / "debian.sources").write_text(_sources(mirrors, release))
        self._configuration.write_text(_configuration(self._folder, architectures))

    def update(self) -> None:
        """Fetch the lists of packages that changed. Raises `UnavailableError` where that fails."""
        self._apt("-o", "APT::Update::Error-Mode=any", "update")

    def download(self, names: Sequence[str]) -> list[Package]:
        """Return the newest of each named package (`NAME` or `NAME:ARCHITECTURE`), downloaded.

        Raises `BuildError` where there is none of that name, `UnavailableError` where it cannot be
        fetched.
        """
        shown = run(("apt-cache", "-c", self._configuration, "show", "--no-all-versions", *names))
        packages = [_package(record, self._packages) for record in shown.split("\n\n") if record]
        if not all(package.path.is_file() for package in packages):
            self._apt("download", *names)
        for package in packages:
            if file_sha256(package.path) != package.sha256:
                package.path.unlink()
                raise BuildError(f"{package.path.name} was damaged and is removed: build again.")
        return packages

    def _apt(self, *arguments: str) -> None:
        download(("apt-get", "-q", "-c", self._configuration, *arguments), self._packages)


def unpack(package: Package, folder: Path) -> None:
    """Lay a package's files below a folder; none of its scripts runs."""
    folder.mkdir(parents=True, exist_ok=True)
    run(("dpkg-deb", "-x", package.path, folder))


def _package(record: str, folder: Path) -> Package:
    fields = Parser().parsestr(record)
    name, version, architecture = fields["Package"], fields["Version"], fields["Architecture"]
    path = folder / f"{name}_{version.replace(':', '%3a')}_{architecture}.deb"
    source = fields.get("Source", name)
    return Package(name, version, architecture, source, path, fields["SHA256"])


def _sources(mirrors: Mirrors, release: str) -> str:
    entries = [(mirrors.main, f"{release} {release}-updates")]
    if mirrors.security is not None:
        entries.append((mirrors.security, f"{release}{_SECURITY}"))
    return "\n".join(
        f"Types: deb\nURIs: {uri}\nSuites: {suites}\nComponents: main\nSigned-By: {KEYRING}\n"
        for uri, suites in entries
    )


def _configuration(folder: Path, architectures: Sequence[str]) -> str:
    known = " ".join(f'"{architecture}";' for architecture in architectures)
    return f"""\
APT::Architecture "{architectures[0]}";
#clear APT::Architectures;
APT::Architectures {{ {known} }};
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc::sourcelist "{folder}/debian.sources";
Dir::Etc::sourceparts "-";
Dir::Etc::preferencesparts "{folder}/preferences";
Dir::Etc::preferences "-";
"""
