"""Shell scripts that change a phone's settings for a while and put them back as they were.

What was set before is kept on the phone, so that it is not forgotten with this program.
"""

from __future__ import annotations

from shlex import quote
from typing import Final

from app.devices.deployment.phone_scripts import ENTER, OUR_WORKER, OURS

BLINKS: Final = 3
_BEFORE_FILE: Final = "stay-awake.before"
_BRIGHT_FILE: Final = "brightness.before"
_KEEPER_FILE: Final = "care.pid"
LOOK_INTERVAL_S: Final = 10
"""Between a phone's own looks whether its worker runs still."""
LOOKS_WITHOUT_WORKER: Final = 3
"""After so many it puts back what was set: a worker that is started again is there by then."""
_MODE: Final = "screen_brightness_mode"
_LEVEL: Final = "screen_brightness"
LOWEST: Final = 1
"""Of 255: with 0 some screens are off, and others go back to what they were."""
_STAY_AWAKE: Final = "stay_on_while_plugged_in"
_ENTER: Final = f"{ENTER}umask 077; "
_IS_NO_NUMBER: Final = "''|*[!0-9]*"
"""What a setting is that was never set: Android prints `null`."""


_PUT: Final = (
    f'put() {{ case "$2" in {_IS_NO_NUMBER}) settings delete system "$1" ;; '
    '*) settings put system "$1" "$2" ;; esac >/dev/null; }; '
)
"""Sets what was read before, also that it was never set."""


def keep_awake() -> str:
    """Keep the screen on, as dark as it gets, while the phone is on a charger.

    What was set is noted the first time, and set again by the phone itself where its worker has
    ended and nobody else does. A phone that lets nobody change its brightness stays as bright as
    it is.
    """
    return (
        f"{_ENTER}{_start_keeper()}if [ ! -f {_BEFORE_FILE} ]; then "
        f"was=$(settings get global {_STAY_AWAKE}) || exit $?; "
        f'echo "$was" >{_BEFORE_FILE} || exit $?; fi; svc power stayon true || exit $?; '
        f"if [ ! -f {_BRIGHT_FILE} ]; then "
        f"mode=$(settings get system {_MODE}) && level=$(settings get system {_LEVEL}) && "
        f'echo "${{mode:-null}} ${{level:-null}}" >{_BRIGHT_FILE}; fi; [ -f {_BRIGHT_FILE} ] && '
        f"settings put system {_MODE} 0 && settings put system {_LEVEL} {LOWEST}; true"
    )


def let_sleep() -> str:
    """Set again what was set before `keep_awake`."""
    return (
        f'{_ENTER}{OURS}keeper=$(cat {_KEEPER_FILE} 2>/dev/null); if ours "$keeper"; then '
        f'kill -TERM "-$keeper"; fi; {_restore()}'
    )


def _start_keeper() -> str:
    """Have the phone look after itself from now on, unplugged or without a host too.

    Like a worker it outlives the connection; one is enough, however often workers are started.
    """
    looks = (
        f"{OUR_WORKER}n=0; while [ $n -lt {LOOKS_WITHOUT_WORKER} ]; do sleep {LOOK_INTERVAL_S}; "
        f"if our_worker; then n=0; else n=$((n+1)); fi; done; {_restore()}"
    )
    return (
        f"{OURS}ours \"$(cat {_KEEPER_FILE} 2>/dev/null)\" || {{ trap '' HUP; "
        f"setsid sh -c {quote(looks)} </dev/null >/dev/null 2>&1 & echo $! >{_KEEPER_FILE}; }}; "
    )


def _restore() -> str:
    return (
        f"{_PUT}rm -f {_KEEPER_FILE}; "
        f"if [ -f {_BRIGHT_FILE} ]; then read -r mode level <{_BRIGHT_FILE}; "
        f'put {_LEVEL} "$level" && put {_MODE} "$mode" && rm -f {_BRIGHT_FILE}; fi; '
        f"[ -f {_BEFORE_FILE} ] || exit 0; was=$(cat {_BEFORE_FILE}); "
        f'case "$was" in {_IS_NO_NUMBER}) svc power stayon false ;; '
        f'*) settings put global {_STAY_AWAKE} "$was" ;; esac && rm -f {_BEFORE_FILE}'
    )


def identify() -> str:
    """Wake the screen and let its brightness blink; how bright it was is set again at the end.

    Without the first trap a cut connection would end it in between.
    """
    steps = " ".join(["1"] * BLINKS)
    return (
        f"{_PUT}mode=$(settings get system {_MODE}); level=$(settings get system {_LEVEL}); "
        f'back() {{ put {_LEVEL} "$level"; put {_MODE} "$mode"; }}; '
        "trap '' HUP; trap back EXIT; "
        f"input keyevent KEYCODE_WAKEUP || exit $?; put {_MODE} 0; "
        f"for step in {steps}; do put {_LEVEL} 255; sleep 0.3; "
        f"put {_LEVEL} 5; sleep 0.3; done"
    )
