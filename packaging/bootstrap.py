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
    "test": ("build.txt", "runtime.txt", "test.txt", "import.txt"),
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


def administrator() -> tuple[str, ...] | None:
    """Return what goes before a command that needs root, or None where it would ask."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return ("env", "DEBIAN_FRONTEND=noninteractive")
    if shutil.which("sudo") and run_quietly("sudo", "-n", "true"):
        return ("sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive")
    return None


def run_quietly(*command: str) -> bool:
    """Run a command for its exit status only."""
    return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603 - our own commands


def install_packages(packages: list[str]) -> bool:
    """Install Debian packages and return whether that was possible."""
    prefix = administrator()
    if prefix is None:
        return False
    say("installing " + " ".join(packages))
    install = (*prefix, "apt-get", "install", "-y", "-q", "--no-install-recommends", *packages)
    if run_quietly(*install):
        return True
    return run_quietly(*prefix, "apt-get", "update", "-q") and run(*install)


def make_environment() -> None:
    """Create `.venv`, with pip, unless it is already whole."""
    if INTERPRETER.exists() and (ENVIRONMENT / "bin" / "pip").exists():
        return
    package = "python{}.{}-venv".format(*sys.version_info)
    if importlib.util.find_spec("ensurepip") is None and not install_packages([package]):
        raise SystemExit(f"Python cannot make environments. Type: sudo apt-get install {package}")
    say("creating .venv")
    if not run(sys.executable, "-m", "venv", "--clear", ENVIRONMENT):
        raise SystemExit("The environment .venv could not be created; the reason is above.")


def fingerprint(stage: str) -> str:
    """Return a hash over everything that decides what a stage installs."""
    digest = hashlib.sha256(f"{sys.version} {ROOT}".encode())
    for path in (*(LOCKS / name for name in STAGE_FILES[stage]), ROOT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def install_stage(stage: str) -> None:
    """Install a stage's locks unless the same ones are installed already."""
    stamp = ENVIRONMENT / f"installed-{stage}"
    wanted = fingerprint(stage)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    stamp.unlink(missing_ok=True)
    say(f"installing the {stage} packages (once; a few minutes on a slow line)")
    {"runtime": install_runtime, "test": install_test}[stage]()
    stamp.write_text(wanted)


def install_runtime() -> None:
    """Install what the control centre needs, then Shardloom itself in place."""
    pip("--require-hashes", "-r", LOCKS / "build.txt")
    pip("--require-hashes", "--no-build-isolation", "-r", LOCKS / "runtime.txt")
    pip("--no-build-isolation", "--no-deps", "-e", ROOT)


def install_test() -> None:
    """Install the test tools, and torch with transformers as the reference to compare with."""
    pip("--require-hashes", "--no-build-isolation", "-r", LOCKS / "test.txt")
    pip("-r", LOCKS / "import.txt")


def pip(*arguments: str | Path) -> None:
    """Run pip install in the environment; end with one line where it fails."""
    quiet = ("-qq", "--disable-pip-version-check", "--no-input")
    if not run(INTERPRETER, "-m", "pip", "install", *quiet, *arguments):
        raise SystemExit("The packages could not be installed; pip's reason is above.")


def check_system(purpose: str) -> None:
    """Install the system's parts that Qt and the tests need, or show the line to type."""
    from app.command_line import system_libraries as system  # noqa: PLC0415 - needs Python 3.11

    programs = system.TEST_PROGRAMS if purpose == "test" else {}
    missing = [
        *(system.QT_LIBRARIES[library] for library in system.missing_libraries()),
        *(programs[program] for program in system.missing_programs(programs)),
    ]
    if missing and not install_packages(sorted(set(missing))):
        line = system.install_line(missing)
        raise SystemExit(f"Parts of the system that windows need are missing. Type: {line}")
    if purpose == "test":
        wanted = [
            system.OPTIONAL_TEST_FILES[pattern]
            for pattern in system.missing_files(system.OPTIONAL_TEST_FILES)
        ]
        if wanted and not install_packages(wanted):
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
    make_environment()
    for stage in STAGES[purpose]:
        install_stage(stage)
    if purpose == "test" or has_display():
        check_system(purpose)


if __name__ == "__main__":
    main()
