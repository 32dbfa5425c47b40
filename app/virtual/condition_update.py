"""A virtual phone's condition, brought up to date: from its programs to its files and limits."""

from __future__ import annotations

from app.virtual.body import dumps, figures
from app.virtual.body.body import Body, Condition
from app.virtual.body.switches import Switches
from app.virtual.limits.governor import Governor
from app.virtual.limits.processes import PhonePrograms, ProcessorMeter
from app.virtual.persona import Persona
from app.virtual.rootfs import Rootfs


class ConditionUpdate:
    """Joins what the programs use and what commands have set with the phone's body."""

    def __init__(
        self,
        persona: Persona,
        rootfs: Rootfs,
        programs: PhonePrograms,
        governor: Governor,
        now_s: float,
    ) -> None:
        self._persona = persona
        self._rootfs = rootfs
        self._programs = programs
        self._governor = governor
        self._meter = ProcessorMeter(programs)
        self._switches = Switches(rootfs.root / "data")
        self._started_s = self._now_s = now_s
        self.body = Body(persona, now_s)
        self._condition = self.advance(now_s)
        self._written: dict[str, str] = {}

    def advance(self, now_s: float) -> Condition:
        """Let it be that time, and hold the programs to what that leaves them."""
        self._now_s = now_s
        pressed = self._switches.take_screen()
        if pressed == "on":
            self.body.sleep.touch(now_s)
        elif pressed:
            self.body.sleep.turn_off()
        self._condition = self.body.advance(
            now_s,
            self._meter.used_s(),
            self._switches.rules,
            is_unplugged=self._switches.is_unplugged,
        )
        self._governor.apply(self._condition.processor_share, self._condition.doze)
        return self._condition

    def write(self) -> None:
        """Write those of the phone's files that say something else by now."""
        persona, condition = self._persona, self._condition
        up_s = self._now_s - self._started_s
        files = {
            **dumps.condition_files(persona, condition),
            "proc/meminfo": figures.memory_information(persona, self._programs.resident_bytes()),
            "proc/stat": figures.processor_statistics(persona, up_s, condition.busy_core_s),
        }
        for path, text in files.items():
            if self._written.get(path) != text:
                self._rootfs.write(path, text)
                self._written[path] = text
