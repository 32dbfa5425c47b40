"""The kinds of phone a runtime can be built for."""

from __future__ import annotations

from dataclasses import dataclass

from runtime_build.errors import BuildError


@dataclass(frozen=True)
class Target:
    """A processor in the words of Android, Debian, GNU and Python's wheels."""

    abi: str
    architecture: str
    triplet: str
    loader: str
    wheel_machine: str

    @property
    def wheel_platforms(self) -> tuple[str, ...]:
        """Platform tags that glibc 2.36 satisfies, the newest first."""
        minors = (36, 35, 34, 31, 28, 27, 26, 24, 17)
        tags = (f"manylinux_2_{minor}_{self.wheel_machine}" for minor in minors)
        return (*tags, f"manylinux2014_{self.wheel_machine}")


TARGETS = {
    target.abi: target
    for target in (
        Target("arm64-v8a", "arm64", "aarch64-linux-gnu", "ld-linux-aarch64.so.1", "aarch64"),
        Target(
            "x86_64",
            "amd64",
            "x86_64-linux-gnu",
            "ld-linux-x86-64.so.2",
            "x86_64",
        ),
    )
}


def building_machine(machine: str) -> Target:
    """Return the target whose programs run on the machine of that name (`platform.machine()`).

    Raises `BuildError` where there is none: its interpreter compiles the modules.
    """
    for target in TARGETS.values():
        if machine.lower() in {target.wheel_machine, target.architecture}:
            return target
    raise BuildError(f"The runtime cannot be built on a {machine} machine: use x86-64 or arm64.")
