"""What a phone's services say of its condition, in the shape its Android says it. Pure text."""

from __future__ import annotations

from collections.abc import Mapping

from app.virtual.body.body import Condition
from app.virtual.body.figures import sdk
from app.virtual.persona import Persona

_FIRST_WITH_THERMAL_SERVICE = 29
_FIRST_WITH_WIFI_STATUS = 30
_UNSHAPED_MBIT = 866
_SIGNAL_DBM = -50
_CORE_ABOVE_SKIN_CELSIUS = 4.0


def condition_files(persona: Persona, condition: Condition) -> Mapping[str, str]:
    """Return the phone's files that follow its condition, by their paths without the first `/`."""
    deep, light = condition.deviceidle
    zone = "sys/class/thermal/thermal_zone0"
    cores = "sys/devices/system/cpu/cpufreq/policy0"
    return {
        "system/etc/dumpsys-battery": battery_dump(condition),
        **_thermal_files(persona, condition),
        **_wifi_files(persona),
        "system/etc/dumpsys-deviceidle": f"  mState={deep} mLightState={light}\n",
        "system/etc/deviceidle-deep": f"{deep}\n",
        "system/etc/deviceidle-light": f"{light}\n",
        "system/etc/deviceidle-screen": f"{str(condition.screen_is_on).lower()}\n",
        "system/etc/deviceidle-charging": f"{str(condition.is_plugged).lower()}\n",
        "sys/class/power_supply/battery/current_now": f"{condition.battery_current_ma * 1000}\n",
        f"{zone}/type": "battery\n",
        f"{zone}/temp": f"{round(condition.celsius * 1000)}\n",
        f"{cores}/scaling_cur_freq": f"{condition.frequency_mhz * 1000}\n",
        f"{cores}/cpuinfo_max_freq": f"{persona.cpu_max_mhz * 1000}\n",
    }


def battery_dump(condition: Condition) -> str:
    """Return what `dumpsys battery` prints; temperature is in tenths of a degree."""
    return f"""Current Battery Service state:
  AC powered: false
  USB powered: {str(condition.is_plugged).lower()}
  Wireless powered: false
  Dock powered: false
  Max charging current: {500000 if condition.is_plugged else 0}
  Max charging voltage: {5000000 if condition.is_plugged else 0}
  Charge counter: {condition.battery_percent * 45000}
  status: {condition.battery_status.value}
  health: 2
  present: true
  level: {condition.battery_percent}
  scale: 100
  voltage: {condition.battery_millivolts}
  temperature: {round(condition.celsius * 10)}
  technology: Li-ion
"""


def thermal_dump(condition: Condition) -> str:
    """Return what `dumpsys thermalservice` prints; the cached block differs, as on real phones."""
    now, grade = condition.celsius, condition.thermal_status
    core = now + _CORE_ABOVE_SKIN_CELSIUS
    return f"""IsStatusOverride: false
ThermalEventListeners:
\tcallbacks: 1
\tkilled: false
\tbroadcasts count: -1
ThermalStatusListeners:
\tcallbacks: 1
\tkilled: false
\tbroadcasts count: -1
Thermal Status: {grade}
Cached temperatures:
\tTemperature{{mValue={now - 1.5:.1f}, mType=3, mName=skin, mStatus={grade}}}
HAL Ready: true
HAL connection:
\tThermal HAL AIDL 1 connected: yes
Current temperatures from HAL:
\tTemperature{{mValue={core:.1f}, mType=0, mName=CPU, mStatus=0}}
\tTemperature{{mValue={now:.1f}, mType=2, mName=battery, mStatus=0}}
\tTemperature{{mValue={now:.1f}, mType=3, mName=skin, mStatus={grade}}}
Current cooling devices from HAL:
\tCoolingDevice{{mValue={grade}, mType=2, mName=cpufreq-cpu0}}
"""


def hardware_properties_dump(condition: Condition) -> str:
    """Return what `dumpsys hardware_properties` prints on Android 7 to 9."""
    now = condition.celsius
    return f"""****** Dump of HardwarePropertiesManagerService ******

CPU temperatures: [{now + _CORE_ABOVE_SKIN_CELSIUS:.1f}]
CPU throttling temperatures: [95.0]
GPU temperatures: []
Battery temperatures: [{now:.1f}]
Skin temperatures: [{now:.1f}]
Fan speed: []
"""


def wifi_information(persona: Persona) -> str:
    """Return Android's one line about the link; the speed is the persona's where it has one."""
    mbit = max(round(persona.link_mbit_per_second or _UNSHAPED_MBIT), 1)
    return (
        'SSID: "rack", BSSID: 02:00:00:00:00:00, MAC: 02:00:00:00:00:00, Supplicant state: '
        f"COMPLETED, RSSI: {_SIGNAL_DBM}, Link speed: {mbit}Mbps, Tx Link speed: {mbit}Mbps, "
        f"Rx Link speed: {mbit}Mbps, Frequency: 5180MHz, Net ID: 0, Metered hint: false, score: 60"
    )


def _thermal_files(persona: Persona, condition: Condition) -> Mapping[str, str]:
    if sdk(persona) >= _FIRST_WITH_THERMAL_SERVICE:
        return {"system/etc/dumpsys-thermalservice": thermal_dump(condition)}
    return {"system/etc/dumpsys-hardware_properties": hardware_properties_dump(condition)}


def _wifi_files(persona: Persona) -> Mapping[str, str]:
    if not persona.wifi:
        return {"system/etc/dumpsys-wifi": "", "system/etc/wifi-status": "Wifi is disabled\n"}
    line = wifi_information(persona)
    status = 'Wifi is enabled\nWifi is connected to "rack"\n'
    if sdk(persona) >= _FIRST_WITH_WIFI_STATUS:
        status += f"WifiInfo: {line}\n"
    return {"system/etc/dumpsys-wifi": f"mWifiInfo {line}\n", "system/etc/wifi-status": status}
