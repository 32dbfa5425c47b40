"""What a phone's daemon answers over ADB where it refuses: text of the protocol, always English.

The first four are adbd's own words (AOSP adb, `adb_listeners.cpp`, `handle_forward_request`).
"""

from __future__ import annotations

from typing import Final

CANNOT_REBIND: Final = "cannot rebind existing socket"
BAD_FORWARD: Final = "bad forward: nothing after the phone's side"
TOO_MANY_LISTENERS: Final = "too many listeners"
ONLY_REGULAR_FILES: Final = "only regular files can be pushed"


def listener_not_found(port: str) -> str:
    """Say that the phone does not listen there."""
    return f"listener '{port}' not found"


def unknown_reverse_command(action: str) -> str:
    """Say that `reverse:` does not know the word."""
    return f"unknown reverse command: {action}"


def unknown_port(text: str) -> str:
    """Say that a port is none of `tcp:PORT`."""
    return f"unknown local portname '{text}'"


def is_a_folder(path: str) -> str:
    """Say that a file cannot be put in the place of a folder."""
    return f"{path} is a folder"


def is_no_file(path: str) -> str:
    """Say that nothing at a path can be pulled."""
    return f"{path} is not a file"
