"""Shell scripts that change a phone's settings for a while and put them back as they were.

What was set before is kept on the phone, so that it is not forgotten with this program.
"""

from __future__ import annotations

from typing import Final

from app.devices.deployment.phone_scripts import ENTER

BLINKS: Final = 3
_BEFORE_FILE: Final = "stay-awake.before"
_STAY_AWAKE: Final = "stay_on_while_plugged_in"
_ENTER: Final = f"{ENTER}umask 077; "
_IS_NO_NUMBER: Final = "''|*[!0-9]*"
"""What a setting is that was never set: Android prints `null`."""


def keep_awake() -> str:
    """Keep the screen on while the phone is on a charger; note the first time what was set."""
    return (
        f"{_ENTER}if [ ! -f {_BEFORE_FILE} ]; then "
        f"was=$(settings get global {_STAY_AWAKE}) || exit $?; "
        f'echo "$was" >{_BEFORE_FILE} || exit $?; fi; svc power stayon true'
    )


def let_sleep() -> str:
    """Set again what was set before `keep_awake`."""
    return (
        f"{_ENTER}[ -f {_BEFORE_FILE} ] || exit 0; was=$(cat {_BEFORE_FILE}); "
        f'case "$was" in {_IS_NO_NUMBER}) svc power stayon false ;; '
        f'*) settings put global {_STAY_AWAKE} "$was" ;; esac && rm -f {_BEFORE_FILE}'
    )


def identify() -> str:
    """Wake the screen and let its brightness blink; how bright it was is set again at the end.

    Without the first trap a cut connection would end it in between.
    """
    steps = " ".join(["1"] * BLINKS)
    return (
        f'put() {{ case "$2" in {_IS_NO_NUMBER}) settings delete system "$1" ;; '
        '*) settings put system "$1" "$2" ;; esac >/dev/null; }; '
        "mode=$(settings get system screen_brightness_mode); "
        "level=$(settings get system screen_brightness); "
        'back() { put screen_brightness "$level"; put screen_brightness_mode "$mode"; }; '
        "trap '' HUP; trap back EXIT; "
        "input keyevent KEYCODE_WAKEUP || exit $?; put screen_brightness_mode 0; "
        f"for step in {steps}; do put screen_brightness 255; sleep 0.3; "
        "put screen_brightness 5; sleep 0.3; done"
    )
