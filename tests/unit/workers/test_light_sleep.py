from __future__ import annotations

from pathlib import Path

import pytest

from workers.engine.light_sleep import LightSleep


def _opened(path: Path) -> int:
    return sum(link.resolve() == path for link in Path("/proc/self/fd").iterdir())


def test_the_device_stays_open_while_light_sleep_is_asked_for(tmp_path: Path) -> None:
    device = tmp_path / "cpu_dma_latency"
    device.touch()
    sleep = LightSleep(device)
    sleep.ask(light=True)
    sleep.ask(light=True)
    assert device.read_bytes() == bytes(4)
    assert _opened(device) == 1
    sleep.ask(light=False)
    assert _opened(device) == 0
    sleep.ask(light=True)
    assert _opened(device) == 1
    sleep.close()
    sleep.close()
    assert _opened(device) == 0


def test_a_refusal_is_logged_once_and_harms_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sleep = LightSleep(tmp_path / "cpu_dma_latency")
    for light in (True, False, True):
        sleep.ask(light=light)
    assert capsys.readouterr().err.count("processors may sleep deeply") == 1
    assert not any(tmp_path.iterdir())
