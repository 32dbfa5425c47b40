# ruff: noqa: INP001 - a script, not a package
"""Make `.venv` ready for `run` or `test` on a machine with only Python, make and git.

Standard library only. Locks are installed again only when they changed, so a second start costs
a fraction of a second. System packages are installed where that is allowed without a password,
else the line to type is shown.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

MINIMUM = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
INTERPRETER = ENVIRONMENT / "bin" / "python"
LOCKS = ROOT / "packaging" / "locks"
STAGES = {"run": ("runtime",), "test": ("runtime", "test")}
STAGE_FILES = {
    "runtime": ("build.txt", "runtime.txt"),
    "test": ("build.txt", "runtime.txt", "test.txt", "import.txt", "cuda.txt"),
}
SIZES = {
    "runtime": "185 MB to load",
    "test": "torch with CUDA is 2.7 GB to load; SHARDLOOM_TORCH (README) takes one without",
}


def say(line: str) -> None:
    """Show one line of progress at once."""
    print(f"shardloom: {line}", file=sys.stderr, flush=True)  # noqa: T201 - a command-line tool


def run(*command: str | Path) -> bool:
    """Run a command and return whether it succeeded; its output is the person's to read."""
    return subprocess.run(list(map(str, command)), check=False, cwd=ROOT).returncode == 0  # noqa: S603 - our own commands


def require_python() -> None:
    """Go on under a new enough Python found on the path, or say which one is missing."""
    if sys.version_info >= MINIMUM:
        return
    for minor in range(14, MINIMUM[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        if newer:
            os.execv(newer, [newer, *sys.argv])  # noqa: S606 - the same script, newer Python
    found = ".".join(map(str, sys.version_info[:2]))
    raise SystemExit(
        f"Shardloom needs Python 3.11 or newer and found {found}."
        " Type: sudo apt-get install python3.11 python3.11-venv"
    )


def administrator(*, asking: bool) -> tuple[str, ...] | None:
    """Return what goes before a command that needs root; None where there is no way to be it.

    sudo asks for its password where that is allowed and somebody sits at a terminal.
    """
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return ("env", "DEBIAN_FRONTEND=noninteractive")
    if shutil.which("sudo") is None:
        return None
    asked = asking and sys.stdin.isatty()
    if run_quietly("sudo", "-n", "true") or (asked and run("sudo", "-v")):
        return ("sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive")
    return None


def run_quietly(*command: str) -> bool:
    """Run a command for its exit status only."""
    return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603 - our own commands


def install_packages(packages: list[str], *, asking: bool) -> bool:
    """Install Debian packages and return whether that was possible."""
    say("the system lacks " + " ".join(packages))
    prefix = administrator(asking=asking)
    if prefix is None:
        return False
    install = (*prefix, "apt-get", "install", "-y", "-q", "--no-install-recommends", *packages)
    if run_quietly(*install):
        return True
    return run_quietly(*prefix, "apt-get", "update", "-q") and run(*install)


def is_environment_whole() -> bool:
    """Return whether `.venv` has its interpreter and pip."""
    return INTERPRETER.exists() and (ENVIRONMENT / "bin" / "pip").exists()


def make_environment() -> None:
    """Create `.venv`, with pip, unless it is already whole."""
    if is_environment_whole():
        return
    say("creating .venv")
    if not run(sys.executable, "-m", "venv", "--clear", ENVIRONMENT):
        raise SystemExit("The environment .venv could not be created; the reason is above.")


def fingerprint(stage: str) -> str:
    """Return a hash over everything that decides what a stage installs."""
    digest = hashlib.sha256(f"{sys.version} {ROOT}".encode())
    locks = (LOCKS / name for name in STAGE_FILES[stage])
    for path in (*locks, ROOT / "pyproject.toml", ROOT / "setup.py"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def install_stage(stage: str) -> None:
    """Install a stage's locks unless the same ones are installed already."""
    stamp = ENVIRONMENT / f"installed-{stage}"
    wanted = fingerprint(stage)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    stamp.unlink(missing_ok=True)
    say(f"installing the {stage} packages (once; {SIZES[stage]})")
    {"runtime": install_runtime, "test": install_test}[stage]()
    stamp.write_text(wanted)


def install_runtime() -> None:
    """Install what the control centre needs, then Shardloom itself in place."""
    pip("--require-hashes", "-r", LOCKS / "build.txt")
    pip("--require-hashes", "--no-build-isolation", "-r", LOCKS / "runtime.txt")
    pip("--no-build-isolation", "--no-deps", "-e", ROOT)


def install_test() -> None:
    """Install the test tools, and torch with transformers as the reference to compare with.

    Few of their ten thousand modules are ever imported: Python compiles those as it meets them.
    """
    pip("--no-compile", "--require-hashes", "--no-build-isolation", "-r", LOCKS / "test.txt")
    exact = ("-r", LOCKS / "import.txt", "-c", LOCKS / "cuda.txt")
    pip("--no-compile", *torch_source(), *exact)


def torch_source() -> tuple[str, ...]:
    """Return where else pip looks for torch: SHARDLOOM_TORCH, an index's address or a folder."""
    named = os.environ.get("SHARDLOOM_TORCH", "")
    if not named:
        return ()
    return ("--find-links" if Path(named).exists() else "--extra-index-url", named)


def pip(*arguments: str | Path) -> None:
    """Run pip install in the environment; end with one line where it fails."""
    quiet = ("-qq", "--disable-pip-version-check", "--no-input")
    if not run(INTERPRETER, "-m", "pip", "install", *quiet, *arguments):
        raise SystemExit("The packages could not be installed; pip's reason is above.")


def missing_packages(purpose: str) -> list[str]:
    """Return the Debian packages with what this machine lacks for the purpose."""
    from app.command_line.machine import system_libraries as system  # noqa: PLC0415 - needs Python 3.11

    missing = []
    if not is_environment_whole() and importlib.util.find_spec("ensurepip") is None:
        missing.append("python{}.{}-venv".format(*sys.version_info))
    if purpose == "test" or has_display():
        missing += [system.QT_LIBRARIES[library] for library in system.missing_libraries()]
    if purpose == "test":
        missing += [system.TEST_PROGRAMS[program] for program in system.missing_programs()]
    return sorted(set(missing))


def require_system(purpose: str) -> None:
    """Look once, before any download, for all that is missing of the system.

    It is installed, where need be for sudo's password, else one line says everything to type.
    """
    missing = missing_packages(purpose)
    if missing and not install_packages(missing, asking=True):
        line = f"sudo apt-get install {' '.join(missing)}"
        raise SystemExit(f"Parts of the system are missing. Type: {line}")


def offer_comparisons() -> None:
    """Install what some tests compare with, or say that they will be skipped."""
    from app.command_line.machine import system_libraries as system  # noqa: PLC0415 - needs Python 3.11

    files = system.OPTIONAL_TEST_FILES
    wanted = [files[pattern] for pattern in system.missing_files(files)]
    if wanted and not install_packages(wanted, asking=False):
        say(f"tests that compare with {', '.join(wanted)} will be skipped")


def has_display() -> bool:
    """Return whether a window could open at all."""
    return any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")))


def main() -> None:
    """Prepare for the purpose named on the command line: `run` or `test`."""
    require_python()
    purpose = sys.argv[1] if len(sys.argv) == 2 else ""
    if purpose not in STAGES:
        raise SystemExit("usage: bootstrap.py run|test")
    sys.path.insert(0, str(ROOT))
    sys.dont_write_bytecode = True
    require_system(purpose)
    make_environment()
    for stage in STAGES[purpose]:
        install_stage(stage)
    if purpose == "test":
        offer_comparisons()


if __name__ == "__main__":
    main()
