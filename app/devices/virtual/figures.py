"""What a phone says of itself, in the shape real Android says it. Pure text from figures."""

from __future__ import annotations

from collections.abc import Sequence

from app.devices.virtual.persona import Persona

_SDK_OF_RELEASE = {"9": 28, "10": 29, "11": 30, "12": 31, "13": 33, "14": 34, "15": 35, "16": 36}
_OLDEST_SDK = 26
_TICKS_PER_SECOND = 100


def device_name(persona: Persona) -> str:
    """Return the code name of the persona's model, such as `pixel_7_pro`."""
    return "_".join("".join(c if c.isalnum() else " " for c in persona.name).lower().split())


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
        "ro.build.version.sdk": str(_SDK_OF_RELEASE.get(release.split(".")[0], _OLDEST_SDK)),
        "ro.adb.secure": "1",
        "ro.debuggable": "0",
        "sys.boot_completed": "1",
        "ro.shardloom.virtual": "1",
        "ro.shardloom.limits": ";".join(limits),
    }
    return "".join(f"{key}={value}\n" for key, value in properties.items())


def battery_dump(persona: Persona) -> str:
    """Return what `dumpsys battery` prints; temperature is in tenths of a degree."""
    return f"""Current Battery Service state:
  AC powered: false
  USB powered: true
  Wireless powered: false
  Dock powered: false
  Max charging current: 500000
  Max charging voltage: 5000000
  Charge counter: {persona.battery_percent * 45000}
  status: 2
  health: 2
  present: true
  level: {persona.battery_percent}
  scale: 100
  voltage: {3600 + 7 * persona.battery_percent}
  temperature: {round(persona.temperature_celsius * 10)}
  technology: Li-ion
"""


def thermal_dump(persona: Persona) -> str:
    """Return what `dumpsys thermalservice` prints; the cached block differs, as on real phones."""
    now = persona.temperature_celsius
    return f"""IsStatusOverride: false
ThermalEventListeners:
\tcallbacks: 1
\tkilled: false
\tbroadcasts count: -1
ThermalStatusListeners:
\tcallbacks: 1
\tkilled: false
\tbroadcasts count: -1
Thermal Status: 0
Cached temperatures:
\tTemperature{{mValue={now - 1.5:.1f}, mType=3, mName=skin, mStatus=0}}
HAL Ready: true
HAL connection:
\tThermal HAL AIDL 1 connected: yes
Current temperatures from HAL:
\tTemperature{{mValue={now + 4:.1f}, mType=0, mName=CPU, mStatus=0}}
\tTemperature{{mValue={now:.1f}, mType=2, mName=battery, mStatus=0}}
\tTemperature{{mValue={now:.1f}, mType=3, mName=skin, mStatus=0}}
Current cooling devices from HAL:
\tCoolingDevice{{mValue=0, mType=2, mName=cpufreq-cpu0}}
"""


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


def processor_statistics(persona: Persona, up_s: float, used_s: float) -> str:
    """Return the summary line of `/proc/stat`: the phone's programs against all its cores."""
    user = int(used_s * _TICKS_PER_SECOND)
    idle = max(int(up_s * persona.cores * _TICKS_PER_SECOND) - user, 0)
    return f"cpu  {user} 0 0 {idle} 0 0 0 0 0 0\n"


def processor_information(persona: Persona) -> str:
    """Return `/proc/cpuinfo`, one entry for each core."""
    return "".join(f"processor\t: {core}\nBogoMIPS\t: 49.15\n\n" for core in range(persona.cores))
