"""The commands that Android has and a host has not, as small shell scripts in `/system/bin`."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

from app.virtual.rootfs import Rootfs

_GETPROP = """
if [ $# -eq 0 ]; then
    while IFS='=' read -r key value; do echo "[$key]: [$value]"; done <"$ANDROID_ROOT/build.prop"
    exit 0
fi
while IFS='=' read -r key value; do
    if [ "$key" = "$1" ]; then echo "$value"; exit 0; fi
done <"$ANDROID_ROOT/build.prop"
echo "$2"
"""

_DUMPSYS = """
known="$ANDROID_ROOT/etc/dumpsys-$1"
system="$ANDROID_DATA/system"
case "$1:$2" in
-l:*)
    echo "Currently running services:"
    for file in "$ANDROID_ROOT"/etc/dumpsys-*; do echo "  ${file##*dumpsys-}"; done ;;
battery:set)
    case "$3:$4" in
    level:*) echo "$4" >"$system/battery_level" ;;
    ac:0|usb:0|wireless:0) echo 1 >"$system/battery_unplugged" ;;
    *) rm -f "$system/battery_unplugged" ;;
    esac ;;
battery:unplug) echo 1 >"$system/battery_unplugged" ;;
battery:reset) rm -f "$system/battery_level" "$system/battery_unplugged" ;;
battery:*)
    if [ -f "$system/battery_level" ]; then
        sed "s/^  level: .*/  level: $(cat "$system/battery_level")/" "$known"
    else
        exec cat "$known"
    fi ;;
deviceidle:get)
    if read -r word 2>/dev/null <"$ANDROID_ROOT/etc/deviceidle-$3"; then echo "$word"
    else echo "Unknown get option: $3"; fi ;;
deviceidle:force-idle)
    echo "force-idle ${3:-deep}" >"$system/deviceidle"
    echo "Now forced in to ${3:-deep} idle mode" ;;
deviceidle:disable) echo disable >"$system/deviceidle"; echo "Deep idle mode disabled" ;;
deviceidle:enable|deviceidle:unforce) rm -f "$system/deviceidle" ;;
*)
    if [ -f "$known" ]; then exec cat "$known"; fi
    echo "Can't find service: $1" >&2
    exit 1 ;;
esac
"""

_IP = """
while [ "${1#-}" != "$1" ]; do shift; done
case "$1:$2" in
a:*|addr:*|address:*)
    if ! read -r address 2>/dev/null <"$ANDROID_ROOT/etc/wlan0"; then
        echo 'Device "wlan0" does not exist.' >&2; exit 1
    fi
    echo "2: wlan0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP group default qlen 3000"
    echo "    inet $address scope global wlan0"
    echo "       valid_lft forever preferred_lft forever" ;;
*) echo "ip: only addresses can be asked for on this phone" >&2; exit 1 ;;
esac
"""  # noqa: E501 - one line of the real command's output

_SVC = """
case "$1 $2" in
"power stayon")
    case "$3" in true) on=7 ;; false) on=0 ;; *) exit 1 ;; esac
    echo "$on" >"$ANDROID_DATA/settings-global-stay_on_while_plugged_in" ;;
*) echo "svc: this phone has only: power stayon" >&2; exit 1 ;;
esac
"""

_CMD = """
case "$1 $2" in
"wifi status") exec cat "$ANDROID_ROOT/etc/wifi-status" ;;
"deviceidle "*|"battery "*) exec dumpsys "$@" ;;
*) echo "cmd: Can't find service: $1" >&2; exit 20 ;;
esac
"""

_SETTINGS = """
file="$ANDROID_DATA/settings-$2-$3"
case "$1" in
get) if [ -f "$file" ]; then cat "$file"; else echo null; fi ;;
put) echo "$4" >"$file" ;;
delete) rm -f "$file" ;;
*) echo "settings: get, put or delete" >&2; exit 1 ;;
esac
"""

_INPUT = """
case "$1:$2" in
keyevent:KEYCODE_WAKEUP|keyevent:224) echo on >"$ANDROID_DATA/system/screen" ;;
keyevent:KEYCODE_SLEEP|keyevent:223) echo off >"$ANDROID_DATA/system/screen" ;;
keyevent:KEYCODE_POWER|keyevent:26)
    was=$(cat "$ANDROID_ROOT/etc/deviceidle-screen")
    if [ "$was" = true ]; then now=off; else now=on; fi
    echo "$now" >"$ANDROID_DATA/system/screen" ;;
keyevent:*|tap:*|swipe:*|text:*) echo on >"$ANDROID_DATA/system/screen" ;;
*) echo "input: Unknown command: $1" >&2; exit 1 ;;
esac
"""

_NPROC = """
grep -c ^processor "${ANDROID_ROOT%/system}/proc/cpuinfo"
"""

ANDROID_TOOLS = (
    *("basename", "cat", "chmod", "cmp", "cp", "cut", "date", "dd", "df", "dirname", "du", "env"),
    *(
        "expr",
        "false",
        "find",
        "grep",
        "gunzip",
        "gzip",
        "head",
        "id",
        "kill",
        "ln",
        "ls",
        "md5sum",
    ),
    *("mkdir", "mktemp", "mv", "od", "printf", "ps", "pwd", "readlink", "realpath", "rm", "rmdir"),
    *("sed", "setsid", "seq", "sh", "sha256sum", "sleep", "sort", "stat", "stty", "sync", "tail"),
    *(
        "tar",
        "tee",
        "test",
        "timeout",
        "top",
        "touch",
        "tr",
        "true",
        "uname",
        "uniq",
        "wc",
        "which",
    ),
    *("xargs", "yes"),
)
"""What toybox and mksh have; a phone without Python has these of this computer's programs alone."""

_SCRIPTS = {
    "getprop": _GETPROP,
    "dumpsys": _DUMPSYS,
    "ip": _IP,
    "svc": _SVC,
    "cmd": _CMD,
    "settings": _SETTINGS,
    "input": _INPUT,
    "nproc": _NPROC,
}


def install(rootfs: Rootfs, *, python: bool) -> None:
    """Write the phone's commands, with `python` also the interpreter that runs the phone itself."""
    for name, body in _SCRIPTS.items():
        rootfs.write(f"system/bin/{name}", "#!/bin/sh" + body, executable=True)
    interpreter = rootfs.root / "system/bin/python3"
    interpreter.unlink(missing_ok=True)
    if python:
        script = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n'
        rootfs.write("system/bin/python3", script, executable=True)
    for name in ANDROID_TOOLS:
        _link(rootfs.root / "system/bin" / name, shutil.which(name))


def _link(place: Path, program: str | None) -> None:
    """Give the phone one of this computer's programs, where it has that."""
    if program is None or place.is_symlink():
        return
    place.symlink_to(program)
