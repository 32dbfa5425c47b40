"""What the checks of `app.command_line.machine` find, and what mends it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural, plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "check.adb_server": plural(
        "answers at {address} and lists {count} phone.",
        "answers at {address} and lists {count} phones.",
    ),
    "check.control_groups": message("control groups can be made."),
    "check.disk_free": message("{free:bytes} free at {path}."),
    "check.files_lacking": message("{path} lacks {names}."),
    "check.files_whole": message("whole, at {path}."),
    "check.font_there": message("there is one."),
    "check.font_unknown": message(
        "not known: fc-list, which would tell, is not installed or failed."
    ),
    "check.home_refused": message("{path}: {reason}."),
    "check.home_written": message("{path} can be written."),
    "check.lacking": message("lacks {names}."),
    "check.libraries_load": message("all load."),
    "check.memory_free": message("{free:bytes} free, the demo rack takes up to {needed:bytes}."),
    "check.no_adb_server": message("{reason} Virtual phones work."),
    "check.no_control_groups": message(
        "no control groups; virtual phones are slowed by pausing them instead."
    ),
    "check.no_display": message("none; commands run in the terminal."),
    "check.no_font": message("none was found; the window in Japanese shows boxes."),
    "check.no_port_bound": message("none can be bound: {reason}."),
    "check.no_runtime": message("none built; no phone asks."),
    "check.packages_whole": message("all installed."),
    "check.port_bound": message("bound port {port} for a moment."),
    "check.python": message("{version}"),
    "check.runtime_built": message("built for {processors}."),
    "check.runtime_wanted": message("none for {phones}."),
    "check.telemetry_left": message(
        "off, but onnxruntime has reported before, or does for another program."
    ),
    "check.telemetry_off": message("off; no library reports anything."),
    "check.window_opens": message("a window can open."),
    "check.worker_sources": message("the worker's sources"),
    "display.libraries_missing": message(
        "System libraries for windows are missing. Type: {command}"
    ),
    "display.silent": message("The display {display} does not answer."),
    "doctor.missing": message("missing {name}: {detail} Mend: {mend:sentences}"),
    "doctor.passed": message("ok      {name}: {detail}"),
    "doctor.without": message("without {name}: {detail} Mend: {mend:sentences}"),
    "mend.adb_server": message("sudo apt-get install adb, then: adb start-server"),
    "mend.control_groups": message(
        "run in a session that delegates control groups, such as systemd-run --user --scope."
    ),
    "mend.disk": message("free {needed:bytes}, or give --home on another disk."),
    "mend.display": message("start a desktop session, or use the terminal commands."),
    "mend.files": message("install Shardloom again."),
    "mend.home": message("give another folder with --home."),
    "mend.memory": message("close other programs, or use a smaller rack: --rack virtual:1."),
    "mend.packages": message("make run installs them."),
    "mend.ports": message("allow programs to listen on 127.0.0.1."),
    "mend.python": message("install Python 3.11 or newer."),
    "mend.type": message("{command}"),
}
ADVICE: Final[Mapping[str, Message]] = {}
