"""The commands that Android has and a host has not, as small shell scripts in `/system/bin`."""

from __future__ import annotations

import shlex
import sys

from app.devices.virtual.rootfs import Rootfs

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
case "$1" in
-l) printf 'Currently running services:\\n  battery\\n  thermalservice\\n' ;;
battery)
    level="$ANDROID_DATA/system/battery_level"
    case "$2:$3" in
    set:level) mkdir -p "$ANDROID_DATA/system" && echo "$4" >"$level" ;;
    reset:) rm -f "$level" ;;
    *)  if [ -f "$level" ]; then
            sed "s/^  level: .*/  level: $(cat "$level")/" "$ANDROID_ROOT/etc/dumpsys-battery"
        else
            cat "$ANDROID_ROOT/etc/dumpsys-battery"
        fi ;;
    esac ;;
thermalservice) cat "$ANDROID_ROOT/etc/dumpsys-thermalservice" ;;
*) echo "Can't find service: $1" >&2; exit 1 ;;
esac
"""

_IP = """
while [ "${1#-}" != "$1" ]; do shift; done
case "$1:$2" in
a:*|addr:*|address:*)
    if [ ! -f "$ANDROID_ROOT/etc/wlan0" ]; then
        echo 'Device "wlan0" does not exist.' >&2; exit 1
    fi
    echo "2: wlan0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP group default qlen 3000"
    echo "    inet 127.0.0.1/8 scope global wlan0"
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
"wifi status") printf 'Wifi is enabled\\nWifi is connected to "rack"\\n' ;;
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
case "$1" in
keyevent|tap|swipe|text) exit 0 ;;
*) echo "input: Unknown command: $1" >&2; exit 1 ;;
esac
"""

_NPROC = """
grep -c ^processor "${ANDROID_ROOT%/system}/proc/cpuinfo"
"""

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


def install(rootfs: Rootfs) -> None:
    """Write the phone's commands, and `python3` as the interpreter that runs the phone itself."""
    for name, body in _SCRIPTS.items():
        rootfs.write(f"system/bin/{name}", "#!/bin/sh" + body, executable=True)
    interpreter = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n'
    rootfs.write("system/bin/python3", interpreter, executable=True)
    shell = rootfs.root / "system/bin/sh"
    if not shell.is_symlink():
        shell.symlink_to("/bin/sh")
