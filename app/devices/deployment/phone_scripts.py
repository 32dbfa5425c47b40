"""Shell scripts the deployment runs on a phone: POSIX, with no more than toybox and mksh have.

All of them start in the worker's folder on the phone. Numbers and hashes only are put into them.
"""

from __future__ import annotations

from typing import Final

from workers.protocol.configuration import CONFIGURATION_FILE, READY_FILE, STORE_FOLDER

BASE_FOLDER: Final = "/data/local/tmp/shardloom"
PROCESS_FILE: Final = "worker.pid"
LOG_FILE: Final = "worker.log"
READY, WAITING, GONE = "ready", "waiting", "gone"
RUNNING: Final = "running"
WITHOUT_PYTHON: Final = "without-python"
MISMATCH_EXIT_CODE: Final = 87
NO_FOLDER_EXIT_CODE: Final = 88
KEPT_PARTIALS: Final = 2
"""Weights whose push was cut that a phone keeps, the newest ones."""
END_GRACE_STEPS: Final = 30
"""Tenths of a second a worker has to end by itself."""

_PIECE: Final = ".piece"
ENTER: Final = f"cd {BASE_FOLDER} 2>/dev/null || exit {NO_FOLDER_EXIT_CODE}; "
OURS: Final = (
    'ours() { [ -n "$1" ] && [ "$(readlink /proc/$1/cwd 2>/dev/null)" = "$(pwd -P)" ] && '
    f"tr '\\0' ' ' </proc/$1/cmdline 2>/dev/null | grep -q '{CONFIGURATION_FILE}'; }}; "
)
"""Whether a process works in this folder with this configuration; process numbers are reused."""

_REPORTED: Final = f"$(sed -n 's/.*\"process_id\": *\\([0-9]*\\).*/\\1/p' {READY_FILE} 2>/dev/null)"
_STARTED: Final = f"$(cat {PROCESS_FILE} 2>/dev/null)"
OUR_WORKER: Final = f'{OURS}our_worker() {{ ours "{_REPORTED}" || ours "{_STARTED}"; }}; '
"""Whether a worker of ours runs, whoever started it."""
_END: Final = (
    'end() { for signal in TERM KILL; do ours "$1" || return 0; kill -$signal "$1"; n=0; '
    f'while ours "$1" && [ $n -lt {END_GRACE_STEPS} ]; do sleep 0.1; n=$((n+1)); done; done; }}; '
)
"""Waits also for one that was killed: until then it holds its ports and files."""


def prepare(*names: str) -> str:
    """Make the folders, closed to other programs, and print the SHA-256 of files already there.

    A phone on which nothing can run Python says so in a word of its own.
    """
    return (
        f"umask 077; mkdir -p {BASE_FOLDER} && cd {BASE_FOLDER} && "
        f"mkdir -p {STORE_FOLDER} tmp && chmod 700 . {STORE_FOLDER} tmp || exit $?; "
        f"command -v python3 >/dev/null || echo {WITHOUT_PYTHON}; "
        f"sha256sum {' '.join(names)} 2>/dev/null; true"
    )


def processor() -> str:
    """Print the phone's ABI in Android's words."""
    return "getprop ro.product.cpu.abi"


def remove_other_versions(archive_name: str) -> str:
    """Remove the archives of other versions, what their libraries wrote, pushes cut long ago.

    Workers up to 0.1.0 let onnxruntime keep a device id and a queue of events in `.cache`.
    """
    return (
        f"{ENTER}rm -rf .cache; for file in workers-*.zip; do "
        f'[ "$file" = {archive_name} ] || rm -f "$file"; done; '
        f"rm -f {STORE_FOLDER}/*{_PIECE}; ls -t {STORE_FOLDER}/*.part 2>/dev/null "
        f'| tail -n +{KEPT_PARTIALS + 1} | while read -r old; do rm -f "$old"; done'
    )


def piece_name(partial: str) -> str:
    """Return the name of the newest piece of a file that is being pushed."""
    return f"{partial}{_PIECE}"


def join_piece(partial: str) -> str:
    """Append the piece that has just come, and remove it."""
    piece = piece_name(partial)
    return f"{ENTER}umask 077; cat {piece} >>{partial} && rm -f {piece}"


def hash_beginning(partial: str, size_bytes: int) -> str:
    """Print the SHA-256 of a file's first bytes."""
    return f"{ENTER}head -c {size_bytes} {partial} | sha256sum"


def remove(partial: str) -> str:
    """Remove a file that has not come whole."""
    return f"{ENTER}rm -f {partial} {piece_name(partial)}"


def accept(partial: str, name: str, sha256: str, mode: int) -> str:
    """Give a pushed file its name and mode if its bytes hash to that, else remove it.

    The mode is set here because a phone's daemon widens the one a push asks for: 600 lands as 666.
    """
    return (
        f'{ENTER}sum=$(sha256sum {partial}) || exit $?; if [ "${{sum%% *}}" = {sha256} ]; '
        f"then chmod {mode:o} {partial} && mv -f {partial} {name}; "
        f"else rm -f {partial}; exit {MISMATCH_EXIT_CODE}; fi"
    )


def end_worker(process_id: int | None = None) -> str:
    """End a worker of ours: the one given, else whichever was started or reported last."""
    if process_id is not None:
        return f"{ENTER}{OURS}{_END}end {process_id}; true"
    return (
        f'{ENTER}{OURS}{_END}end "{_REPORTED}"; end "{_STARTED}"; '
        f"rm -f {READY_FILE} {PROCESS_FILE}; true"
    )


def runs(process_id: int) -> str:
    """Print a word where that process is a worker of ours."""
    return f"{ENTER}{OURS}if ours {process_id}; then echo {RUNNING}; fi"


def ready_file(process_id: int) -> str:
    """Print the ready file where that process is a worker of ours."""
    return f"{ENTER}{OURS}if ours {process_id}; then cat {READY_FILE}; fi"


def launch(run_script: str) -> str:
    """Start the worker so that it outlives the connection, and print its process number.

    Without the trap the worker is hung up together with the shell on a real phone.
    """
    return (
        f"{ENTER}umask 077; chmod 600 {CONFIGURATION_FILE} || exit $?; trap '' HUP; "
        f"setsid sh ./{run_script} {CONFIGURATION_FILE} </dev/null >{LOG_FILE} 2>&1 & "
        f"echo $! >{BASE_FOLDER}/{PROCESS_FILE}; echo $!"
    )


def wait_ready(process_id: int, steps: int) -> str:
    """Wait up to that many twentieths of a second; print the state and then the ready file.

    Whether it is a zombie takes a program to tell, which the worker would wait for: looked at twice
    a second.
    """
    return (
        f"{ENTER}n=0; while [ $n -lt {steps} ]; do "
        f"if [ -f {READY_FILE} ]; then echo {READY}; cat {READY_FILE}; exit 0; fi; "
        f"if ! kill -0 {process_id} 2>/dev/null || "
        f'{{ [ $((n % 10)) -eq 0 ] && grep -q "^State:.Z" /proc/{process_id}/status; }}; '
        f"then echo {GONE}; exit 0; fi; sleep 0.05; n=$((n+1)); done; echo {WAITING}"
    )


def log_tail(lines: int) -> str:
    """Print the end of the worker's log."""
    return f"{ENTER}tail -n {lines} {LOG_FILE} 2>/dev/null; true"


def free_space() -> str:
    """Print `df` for the folder."""
    return f"{ENTER}df -k ."


def tally() -> str:
    """Print how many files are in the folder, their kibibytes, and a word where a worker runs."""
    return (
        f"{ENTER}{OUR_WORKER}find . -type f | wc -l; du -sk . | cut -f1; "
        f"if our_worker; then echo {RUNNING}; fi"
    )


def remove_everything() -> str:
    """Leave nothing behind."""
    return f"rm -rf {BASE_FOLDER}"
