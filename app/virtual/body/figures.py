"""What a phone says of itself, in the shape real Android says it. Pure text from figures."""

from __future__ import annotations

from collections.abc import Sequence

from app.virtual.persona import Persona

_SDK_OF_RELEASE = {"9": 28, "10": 29, "11": 30, "12": 31, "13": 33, "14": 34, "15": 35, "16": 36}
_OLDEST_SDK = 26
_TICKS_PER_SECOND = 100


def device_name(persona: Persona) -> str:
    """Return the code name of the persona's model, such as `pixel_7_pro`."""
    return "_".join("".join(c if c.isalnum() else " " for c in persona.name).lower().split())


def sdk(persona: Persona) -> int:
    """Return the API level of the persona's Android."""
    return _SDK_OF_RELEASE.get(persona.android_version.split(".")[0], _OLDEST_SDK)


def build_properties(persona: Persona, limits: Sequence[str]) -> str:
    """Return `/system/build.prop`, which `getprop` answers from."""
    release = persona.android_version
    properties = {
        "ro.serialno": persona.serial,
        "ro.product.name": device_name(persona),
        "ro.product.model": persona.name,
        "ro.product.manufacturer": persona.manufacturer,
        "ro.product.brand": persona.manufacturer.lower(),
        "ro.product.device": device_name(persona),
        "ro.product.cpu.abi": persona.abi,
        "ro.product.cpu.abilist": persona.abi,
        "ro.build.version.release": release,
        "ro.build.version.sdk": str(sdk(persona)),
        "ro.adb.secure": "1",
        "ro.debuggable": "0",
        "sys.boot_completed": "1",
        "ro.shardloom.virtual": "1",
        "ro.shardloom.limits": ";".join(limits),
    }
    return "".join(f"{key}={value}\n" for key, value in properties.items())


def memory_information(persona: Persona, resident_bytes: int) -> str:
    """Return `/proc/meminfo` with that much taken by programs."""
    total_kib = persona.memory_bytes // 1024
    available_kib = max(persona.programs_bytes - resident_bytes, 0) // 1024
    rows = {
        "MemTotal": total_kib,
        "MemFree": available_kib // 4,
        "MemAvailable": available_kib,
        "Buffers": 0,
        "Cached": available_kib // 2,
        "SwapTotal": 0,
        "SwapFree": 0,
    }
    return "".join(f"{name + ':':<16}{value:>8} kB\n" for name, value in rows.items())


def processor_statistics(persona: Persona, up_s: float, busy_core_s: float) -> str:
    """Return the summary line of `/proc/stat`: time of all cores, spent working or idle."""
    user = int(busy_core_s * _TICKS_PER_SECOND)
    idle = max(int(up_s * persona.cores * _TICKS_PER_SECOND) - user, 0)
    return f"cpu  {user} 0 0 {idle} 0 0 0 0 0 0\n"


def processor_information(persona: Persona) -> str:
    """Return `/proc/cpuinfo`, one entry for each core."""
    return "".join(f"processor\t: {core}\nBogoMIPS\t: 49.15\n\n" for core in range(persona.cores))
