"""Shell scripts that put a runtime on a phone: POSIX, with no more than toybox and mksh have.

A runtime gets its name only when every file in it was hashed on the phone, so that a folder of
that name is always whole when it is made; whether it still is, is looked at before every use.
"""

from __future__ import annotations

from typing import Final

from app.devices.deployment.phone_scripts import ENTER, MISMATCH_EXIT_CODE

KEPT_VERSIONS: Final = 2
SUMS_FILE: Final = "SHA256SUMS"
WHOLE: Final = "whole"
_ENTER: Final = f"{ENTER}umask 077; "
_NAME_COLUMN: Final = 67
"""Where the names begin in the output of sha256sum."""


def _is_whole(folder: str, sums_sha256: str) -> str:
    """Return the condition that the folder holds its whole list unharmed, and the list is ours."""
    listed = f"cut -c{_NAME_COLUMN}- {SUMS_FILE} | xargs sha256sum 2>/dev/null"
    return (
        f"sums=$(sha256sum {folder}/{SUMS_FILE} 2>/dev/null) && "
        f'[ "${{sums%% *}}" = {sums_sha256} ] && '
        f"(cd {folder} && {listed} | cmp -s - {SUMS_FILE})"
    )


def state(folder: str, sums_sha256: str) -> str:
    """Print `whole` where the runtime is there unharmed, and note that it is in use."""
    return (
        f"{_ENTER}if {_is_whole(folder, sums_sha256)}; then touch {folder}; echo {WHOLE}; "
        f"else rm -rf {folder}; fi"
    )


def unpack(archive: str, folder: str, sums_sha256: str) -> str:
    """Unpack beside, hash every file, and only then give the folder its name."""
    draft = f"{folder}.new"
    return (
        f"{_ENTER}rm -rf {draft}; mkdir {draft} && gunzip -c {archive} | tar -x -f - -C {draft} "
        f"|| {{ code=$?; rm -rf {draft}; exit $code; }}; rm -f {archive}; "
        f"if {_is_whole(draft, sums_sha256)}; then sync; rm -rf {folder}; "
        f"mv {draft} {folder} && touch {folder}; "
        f"else rm -rf {draft}; exit {MISMATCH_EXIT_CODE}; fi"
    )


def remove_old_versions() -> str:
    """Keep the runtimes used last, and nothing that was never finished."""
    return (
        f"{_ENTER}rm -rf runtime-*.new runtime-*.tar.gz runtime-*.tar.gz.part; "
        f"ls -dt runtime-* 2>/dev/null | tail -n +{KEPT_VERSIONS + 1} "
        '| while read -r old; do rm -rf "$old"; done'
    )
