"""What was measured between phones, and between them and this computer, with its age."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.core.clock import Clock
from app.core.device import LinkProfile, Route
from app.core.identifiers import HOST, Serial
from app.placement.costs.links import LinkMatrix, ring_closes
from app.rack.paths.distrusted_ways import AS_IF, DistrustedWays
from app.rack.paths.link_arrays import LinkArrays
from app.rack.phones.phone import Phone
from app.rack.snapshot import LinkSnapshot


@dataclass(frozen=True)
class _Measured:
    profile: LinkProfile
    route: Route
    at_s: float


class LinkTable:
    """The newest measurement of each ordered pair. Lives on the service loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._measured: dict[tuple[Serial, Serial], _Measured] = {}
        self._figures = LinkArrays()
        self.distrusted = DistrustedWays()

    def record(self, sender: Serial, receiver: Serial, profile: LinkProfile, route: Route) -> None:
        """Keep a measurement in place of the one before."""
        now_s = self._clock.monotonic_s()
        self._measured[sender, receiver] = _Measured(profile, route, now_s)
        self._figures.put(sender, receiver, profile)

    def forget(self, serial: Serial) -> None:
        """Drop what was measured of a phone whose worker is new."""
        for pair in [pair for pair in self._measured if serial in pair]:
            del self._measured[pair]
        self._figures.forget(serial)

    def age_s(self, sender: Serial, receiver: Serial) -> float:
        """Return how old the newest measurement is; infinite where there is none."""
        measured = self._measured.get((sender, receiver))
        return self._clock.monotonic_s() - measured.at_s if measured else float("inf")

    def is_shorter_than_by_host(self, sender: Serial, receiver: Serial) -> bool:
        """Tell whether a phone reaches another sooner than by way of this computer.

        It is taken to be so as long as one of the three links was not measured. What is distrusted
        is taken for longer.
        """
        if (sender, receiver) in self.distrusted:
            return False
        pairs = (sender, receiver), (sender, HOST), (HOST, receiver)
        links = {pair: found.profile for pair in pairs if (found := self._measured.get(pair))}
        return ring_closes(links, sender, receiver)

    def profiles(self, phones: Iterable[Phone]) -> LinkMatrix:
        """Return what the planner may count on; unmeasured host links as their push was."""
        pushes = {phone.serial: phone.connection.push_profile for phone in phones}
        matrix = self._figures.matrix((HOST, *pushes))
        for serial, pushed in pushes.items():
            for pair in ((HOST, serial), (serial, HOST)):
                if pushed is not None and pair not in matrix:
                    matrix.set(pair, pushed)
        for pair in self.distrusted.among({HOST, *pushes}):
            matrix.set(pair, AS_IF)
        return matrix

    def snapshot(self) -> tuple[LinkSnapshot, ...]:
        """Return every measurement, by sender and receiver."""
        return tuple(
            LinkSnapshot(sender, receiver, measured.route, measured.profile, measured.at_s)
            for (sender, receiver), measured in sorted(self._measured.items())
        )
