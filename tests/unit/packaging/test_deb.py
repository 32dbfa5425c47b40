"""The Debian package: what it is made of is there, says the truth and satisfies the tools."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from deb_package.building import FILES, IDENTIFIER, shared_files, version_of
from deb_package.chroot import Archive, PackagingError, bare_system, execute

from app.command_line.parser import build_parser

ROOT = Path(__file__).parents[3]
CONTAINER = ROOT / "packaging" / "container" / "Containerfile"


def test_every_file_that_it_installs_is_in_the_checkout() -> None:
    assert [name for name in shared_files() if not (ROOT / name).is_file()] == []


def test_the_metadata_names_the_version_and_the_identifier() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    metadata = (FILES / f"{IDENTIFIER}.metainfo.xml").read_text()
    assert version_of(ROOT) == project["version"]
    assert f'<release version="{project["version"]}"' in metadata
    assert f"<id>{IDENTIFIER}</id>" in metadata
    window = (ROOT / "app" / "ui" / "application.py").read_text()
    assert f'setDesktopFileName("{IDENTIFIER}")' in window, "else a window has no icon on Wayland"


@pytest.mark.parametrize(
    ("program", "options", "file"),
    [
        ("desktop-file-validate", (), "desktop"),
        ("appstreamcli", ("validate", "--no-net"), "metainfo.xml"),
    ],
)
def test_the_tools_have_nothing_to_say_against_it(
    program: str, options: tuple[str, ...], file: str
) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: `make deb` runs it in a system of its own")
    found = subprocess.run(
        [program, *options, str(FILES / f"{IDENTIFIER}.{file}")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_who_may_not_or_cannot_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive("bookworm", "http://127.0.0.1:9/nothing")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(PackagingError, match="sudo make deb"), bare_system(archive):
        pass
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda _program: None)
    with pytest.raises(PackagingError, match="apt-get install debootstrap"), bare_system(archive):
        pass


def test_a_command_that_fails_is_told_by_its_last_line() -> None:
    with pytest.raises(PackagingError, match=r"^the reason$"):
        execute(["sh", "-c", "echo before >&2; echo the reason >&2; exit 3"])


def test_the_container_starts_serve_and_says_that_it_is_untested() -> None:
    text = CONTAINER.read_text()
    assert "UNTESTED" in text
    (command,) = re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)
    words = re.findall(r'"([^"]+)"', command)
    assert build_parser().parse_args(words).module == "serve"
