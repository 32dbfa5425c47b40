"""The check of `shardloom doctor` for what phones need to run the worker."""

from __future__ import annotations

from pathlib import Path

from app.command_line.machine.doctor_checks import Check
from app.core.errors import BadInputError, PhoneLostError
from app.core.facts import Fact
from app.devices.adb.adb_server import AdbServer, local_server
from app.devices.deployment.phone_runtime import SUPPORTED_ABIS, how_to_build
from app.devices.deployment.runtime_needs import built_runtimes, phones_without_python
from app.words.catalogue import message

NAME = message("Worker runtime")


def check_worker_runtime(server: AdbServer | None = None, folder: Path | None = None) -> Check:
    """Whether every phone behind the local adb server finds a runtime for its processor here."""
    built = built_runtimes(folder)
    try:
        abis = phones_without_python(server or AdbServer(*local_server()))
    except (PhoneLostError, BadInputError):
        abis = {}
    waiting = {serial: abi for serial, abi in abis.items() if abi not in built}
    if waiting:
        phones = tuple(f"{serial} ({abi})" for serial, abi in waiting.items())
        mend = tuple(how_to_build(abi) for abi in sorted(set(waiting.values())))
        return Check(NAME, False, Fact("check.runtime_wanted", phones=phones), mend)
    detail = Fact("check.no_runtime")
    if built:
        detail = Fact("check.runtime_built", processors=tuple(sorted(built)))
    return Check(NAME, bool(built), detail, (how_to_build(SUPPORTED_ABIS[0]),), needed=False)
