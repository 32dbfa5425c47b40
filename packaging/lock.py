# ruff: noqa: INP001 - a script, not a package
"""Write the exact lock files from pyproject.toml; needs pip-tools. Run by `make lock`.

`build.txt`, `runtime.txt`, `test.txt` and `auditors.txt` carry the hash of every file they may
install. `import.txt` pins versions only: torch is published per kind of accelerator, so that no one
hash fits every machine, and its version is written without the local part for the same reason.
`cuda.txt` constrains what torch's build for CUDA needs and leaves open.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = Path("packaging/locks")
COMMON = (
    *("--quiet", "--strip-extras", "--allow-unsafe", "--no-header"),
    *("--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host"),
)
HASHES = "--generate-hashes"
PLANS: dict[str, tuple[str, ...]] = {
    "build.txt": (HASHES, "--only-build-deps", "--build-deps-for", "editable"),
    "runtime.txt": (HASHES, "--constraint", f"{LOCKS}/build.txt"),
    "test.txt": (HASHES, "--extra", "test", "--constraint", f"{LOCKS}/runtime.txt"),
    "auditors.txt": (HASHES, "--extra", "auditors", "--constraint", f"{LOCKS}/test.txt"),
    "import.txt": ("--extra", "import", "--constraint", f"{LOCKS}/test.txt"),
}
CUDA_LOCK = "cuda.txt"
CUDA_PARTS = re.compile(r"(?:cuda|nvidia)-[\w-]+|triton")
CUDA_HEAD = "# What torch's build for CUDA brings along; constraints install nothing by themselves."
ADDRESS = re.compile(r"://|^\s*--(?:index-url|extra-index-url|find-links)", re.MULTILINE)
LOCAL_VERSION = re.compile(r"^(?P<pin>[\w.-]+==[\w.]+)\+[\w.]+", re.MULTILINE)


def compile_lock(name: str, options: tuple[str, ...], *, upgrade: bool) -> None:
    """Write one lock file; versions already in it stay unless `upgrade`."""
    target = ROOT / LOCKS / name
    command = [sys.executable, "-m", "piptools", "compile", *COMMON, *options]
    command += ["--upgrade"] if upgrade else []
    command += ["--output-file", str(target.relative_to(ROOT)), "pyproject.toml"]
    subprocess.run(command, check=True, cwd=ROOT)  # noqa: S603 - our own fixed command
    text = LOCAL_VERSION.sub(r"\g<pin>", target.read_text())
    if ADDRESS.search(text):
        raise SystemExit(f"{name} names an address; it has to work with any package index.")
    target.write_text(text)


def constrain_cuda() -> None:
    """Write what the torch of `import.txt` needs for CUDA, where pip finds that build at all."""
    lock = (ROOT / LOCKS / "import.txt").read_text()
    (torch,) = re.findall(r"^torch==[\w.]+", lock, re.MULTILINE)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
    found = subprocess.run(  # noqa: S603 - our own fixed command
        [*command, "--report", "-", torch], check=True, capture_output=True, text=True
    )
    parts = [each["metadata"] for each in json.loads(found.stdout)["install"]]
    pins = [f"{each['name']}=={each['version']}" for each in parts]
    pins = sorted(pin for pin in pins if CUDA_PARTS.fullmatch(pin.partition("==")[0]))
    if pins:
        (ROOT / LOCKS / CUDA_LOCK).write_text("\n".join((CUDA_HEAD, *pins)) + "\n")
    else:
        print(f"pip finds no torch for CUDA here: {CUDA_LOCK} stays")  # noqa: T201 - same


def main() -> None:
    """Write every lock file, each constrained by the one before it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions allowed")
    upgrade = parser.parse_args().upgrade
    (ROOT / LOCKS).mkdir(exist_ok=True)
    for name, options in PLANS.items():
        print(f"locking {name} ...", flush=True)  # noqa: T201 - a command-line tool
        compile_lock(name, options, upgrade=upgrade)
    constrain_cuda()


if __name__ == "__main__":
    main()
