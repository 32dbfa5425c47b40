"""What a faulty link does with messages; nothing else of the worker knows of it."""

from __future__ import annotations

import time

import pytest

from workers.fault_names import FaultName
from workers.protocol.commands import NextHop
from workers.ring.faults import InjectedFault
from workers.ring.faulty_links import FaultyLinks

HOP = NextHop("tcp://127.0.0.1:1", "k" * 40)


class _Sent(list[bytes]):
    def send(self, _hop: NextHop, frame: bytes) -> None:
        self.append(frame)


def _sent(fault: InjectedFault, messages: int = 100) -> list[bytes]:
    sent = _Sent()
    links = FaultyLinks(sent, lambda: fault)
    for _ in range(messages):
        links.send(HOP, bytes(64))
    return sent


@pytest.mark.parametrize("name", [FaultName.PARTITION, FaultName.ONE_WAY])
def test_nothing_goes_out(name: FaultName) -> None:
    assert _sent(InjectedFault(name)) == []


def test_a_lossy_link_loses_its_share_and_the_same_by_the_same_seed() -> None:
    fault = InjectedFault(FaultName.LINK_LOSS, share=0.3, seed=4)
    assert 50 < len(_sent(fault)) < 90
    assert len(_sent(fault)) == len(_sent(fault))


def test_a_corrupting_link_changes_one_bit_of_its_share() -> None:
    damaged = [
        each for each in _sent(InjectedFault(FaultName.LINK_CORRUPTION, share=0.5)) if any(each)
    ]
    assert 30 < len(damaged) < 70
    assert {sum(byte.bit_count() for byte in each) for each in damaged} == {1}


def test_a_slow_link_holds_up_what_it_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    assert len(_sent(InjectedFault(FaultName.LINK_DELAY, amount=20), 3)) == 3
    assert waited == [0.02] * 3


def test_only_a_partition_hears_no_phone() -> None:
    assert InjectedFault(FaultName.PARTITION).hears_no_phone
    assert not InjectedFault(FaultName.ONE_WAY).hears_no_phone
    assert InjectedFault(FaultName.CLOCK_SKEW, amount=2).clock_ns == 2_000_000_000
