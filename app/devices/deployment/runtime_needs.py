"""Which phones behind an adb server wait for a runtime that this computer has not built."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from app.core.errors import BadInputError, PhoneLostError
from app.devices.adb.adb_rows import DEVICE, ListedPhone, names_of
from app.devices.adb.adb_server import AdbServer
from app.devices.deployment.phone_runtime import SUPPORTED_ABIS, find_runtime
from app.devices.links.server_link import connect_server

ANSWER_TIMEOUT_S: Final = 3.0
_ABI_WITHOUT_PYTHON: Final = "command -v python3 >/dev/null || getprop ro.product.cpu.abi"


def built_runtimes(folder: Path | None = None) -> frozenset[str]:
    """Return the ABIs for which an unharmed archive is kept."""
    return frozenset(abi for abi in SUPPORTED_ABIS if _is_built(abi, folder))


def phones_without_python(server: AdbServer) -> dict[str, str]:
    """Return the ABI of each connected phone that has no Python, by its name in the list.

    Phones that do not answer in time are left out. Raises `PhoneLostError` where the server does
    not answer.
    """
    listed = names_of(row for row in server.devices() if row.state == DEVICE)
    answers = {name: _abi_without_python(server, name, row) for name, row in listed.items()}
    return {serial: abi for serial, abi in answers.items() if abi}


def _abi_without_python(server: AdbServer, name: str, row: ListedPhone) -> str:
    link = connect_server(server, name, row.needed_id)
    try:
        return link.shell(_ABI_WITHOUT_PYTHON, ANSWER_TIMEOUT_S).stdout.strip()
    except PhoneLostError:
        return ""
    finally:
        link.close()


def _is_built(abi: str, folder: Path | None) -> bool:
    try:
        return find_runtime(abi, folder) is not None
    except BadInputError:
        return False
