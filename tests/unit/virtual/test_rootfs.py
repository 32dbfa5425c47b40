"""Paths from outside stay inside the phone, and shell commands find the phone's files."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.virtual.rootfs import PathEscapeError, Rootfs


@pytest.fixture(scope="module")
def rootfs(tmp_path_factory: pytest.TempPathFactory) -> Rootfs:
    rootfs = Rootfs(tmp_path_factory.mktemp("phone") / "rootfs")
    (rootfs.root.parent / "secret").write_text("outside")
    (rootfs.root / "data/out").symlink_to(rootfs.root.parent)
    (rootfs.root / "data/passwd").symlink_to("/etc/passwd")
    return rootfs


parts = st.sampled_from(["..", ".", "", "data", "out", "passwd", "secret", "local", "etc", "x\0"])


@given(st.lists(parts, max_size=8).map("/".join))
@settings(max_examples=300)
def test_no_path_leads_out_of_the_phone(rootfs: Rootfs, path: str) -> None:
    try:
        resolved = rootfs.resolve(path)
        entry = rootfs.resolve_entry(path)
    except PathEscapeError:
        return
    assert resolved.is_relative_to(rootfs.root)
    assert entry == rootfs.root or Path(os.path.realpath(entry.parent)).is_relative_to(rootfs.root)


@pytest.mark.parametrize("path", ["/data/out/secret", "/data/passwd", "data/out"])
def test_a_link_that_leads_out_is_refused(rootfs: Rootfs, path: str) -> None:
    with pytest.raises(PathEscapeError):
        rootfs.resolve(path)


def test_dots_at_the_root_stay_at_the_root(rootfs: Rootfs) -> None:
    assert rootfs.resolve("/../../../data/local") == rootfs.root / "data/local"


def test_a_command_is_rewritten_only_where_a_phone_path_begins(rootfs: Rootfs) -> None:
    root = rootfs.shell_root
    assert rootfs.rewrite("cat /proc/meminfo '/sdcard/a b'") == (
        f"cat {root}/proc/meminfo '{root}/sdcard/a b'"
    )
    for command in ("ls /database", "ls /home/data/local", "cat /proc/meminfo2", "ls ./data"):
        assert rootfs.rewrite(command) == command


@settings(max_examples=50)
@given(st.text(alphabet=" '\"\\$`;/data", max_size=30))
def test_rewriting_leaves_a_command_without_phone_paths_alone(rootfs: Rootfs, text: str) -> None:
    command = text.replace("/data", "")
    if "/data" not in command:
        assert rootfs.rewrite(command) == command


def test_a_folder_with_odd_characters_still_works_in_a_shell(tmp_path: Path) -> None:
    rootfs = Rootfs(tmp_path / "it's a $folder" / "rootfs")
    try:
        (rootfs.root / "data/local/tmp/f").write_text("here")
        command = rootfs.rewrite("cat /data/local/tmp/f")
        found = subprocess.run(("/bin/sh", "-c", command), capture_output=True, check=True)
        assert found.stdout == b"here"
    finally:
        alias = Path(rootfs.shell_root)
        rootfs.forget_alias()
    assert not alias.parent.exists()
