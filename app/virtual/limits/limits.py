"""What holds a phone's programs to its figures on this machine, and what does not."""

from __future__ import annotations

import platform
import shlex
from dataclasses import dataclass

from app.core.units import format_bytes
from app.virtual.body.heat import THRESHOLDS_CELSIUS
from app.virtual.limits.control_group import (
    ControlGroup,
    limit_memory,
    limit_processor,
    remove_abandoned,
)
from app.virtual.persona import Persona

_BYTES_PER_KIB = 1024
_HAS_DATA_LIMIT: bool = platform.system() == "Linux"
"""Other systems take RLIMIT_DATA but do not hold programs to it."""


@dataclass(frozen=True)
class LimitsInForce:
    """The limits in force; `lines` says in plain words what each is, or that it is missing.

    No line holds a semicolon, which separates them in `ro.shardloom.limits`.
    """

    processor: ControlGroup | None
    memory: ControlGroup | None
    shell_prelude: str
    """Shell commands by which a program enters its limits before it becomes what it is."""
    needs_duty_cycle: bool
    lines: tuple[str, ...]

    def remove(self) -> None:
        """Give the groups back once every program has ended."""
        for group in (self.processor, self.memory):
            if group is not None:
                group.remove()


def apply_limits(persona: Persona) -> LimitsInForce:
    """Set up the strongest limits that this machine allows."""
    remove_abandoned()
    processor, processor_line = _processor(persona)
    memory = limit_memory(persona.serial, persona.programs_bytes)
    groups = tuple(group for group in (processor, memory) if group is not None)
    prelude = [f"echo 0 >{shlex.quote(str(group.entry))}" for group in groups]
    if memory is None and _HAS_DATA_LIMIT:
        prelude.append(f"ulimit -d {persona.programs_bytes // _BYTES_PER_KIB}")
    return LimitsInForce(
        processor=processor,
        memory=memory,
        shell_prelude="; ".join(prelude),
        needs_duty_cycle=processor is None and persona.processor_share is not None,
        lines=(
            processor_line,
            _memory_line(persona, memory),
            _link_line(persona),
            *_condition_lines(persona),
        ),
    )


def _processor(persona: Persona) -> tuple[ControlGroup | None, str]:
    share = persona.processor_share
    if share is None:
        return None, "Processor: not limited, shares the host's cores"
    percent = f"{share * 100:.0f} % of one host core"
    group = limit_processor(persona.serial, share)
    if group is not None:
        return group, f"Processor: {percent}, held by a control group"
    return None, f"Processor: about {percent}, held by stopping programs now and then"


def _memory_line(persona: Persona, group: ControlGroup | None) -> str:
    size = format_bytes(persona.programs_bytes)
    if group is not None:
        return f"Memory: {size} for programs, held by a control group"
    if _HAS_DATA_LIMIT:
        return f"Memory: {size} for each program's data, their sum is not held"
    return f"Memory: {size} for programs is reported but not enforced on this machine"


def _link_line(persona: Persona) -> str:
    if not persona.has_link_limits:
        return "Link: not limited"
    figures = [
        f"{persona.link_latency_ms:g} ms" if persona.link_latency_ms else "",
        f"{persona.link_mbit_per_second:g} Mbit/s" if persona.link_mbit_per_second else "",
        f"{persona.link_loss * 100:g} % of segments sent again" if persona.link_loss else "",
        "delivery at beacons in doze" if not persona.plugged else "",
    ]
    shaped = " and ".join(figure for figure in figures if figure)
    if persona.link_by == "kernel" or not persona.wifi:
        return f"Link: {shaped} on ADB"
    return f"Link: {shaped} on ADB and Wi-Fi, both ways, whoever connects"


def _condition_lines(persona: Persona) -> tuple[str, ...]:
    """Say what of the phone's condition is more than shown."""
    lines = []
    if persona.throttles:
        lines.append(
            f"Heat: slows it in steps from {THRESHOLDS_CELSIUS[0]:g} °C, not below 10 % of one "
            "host core"
        )
    if not persona.plugged:
        lines.append("Sleep: deep doze stops its background programs, light doze only its link")
    return tuple(lines)
