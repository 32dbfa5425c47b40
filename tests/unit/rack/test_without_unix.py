"""What controls real phones can be imported where there are no Unix-only modules, as on Windows.

Libraries have wheels of their own for such systems: they are loaded before the modules are hidden.
"""

from __future__ import annotations

import subprocess
import sys

LIBRARIES = (
    *("asyncio", "psutil", "zmq", "numpy", "onnxruntime", "tokenizers", "filelock", "zeroconf"),
    *("usb1", "adb_shell.adb_device", "adbutils", "huggingface_hub", "llguidance", "highspy"),
    *("pulp", "rich.console", "uvicorn", "starlette.applications", "getpass", "shutil"),
)
SCRIPT = f"""
import importlib, pkgutil, sys
for name in {LIBRARIES}:
    importlib.import_module(name)
for name in ("fcntl", "grp", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"):
    sys.modules[name] = None  # importing it raises ModuleNotFoundError
import app
rooms = ("core", "devices", "models", "placement", "pipeline", "telemetry", "proof", "ledger",
         "faults", "rack", "words", "gateway", "command_line")
imported = 0
for module in pkgutil.walk_packages(app.__path__, "app."):
    if module.name.split(".")[1] in rooms and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
        imported += 1
print(imported)
"""


def test_every_room_that_a_rack_of_real_phones_needs_is_imported_without_unix_modules() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=150, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 300
