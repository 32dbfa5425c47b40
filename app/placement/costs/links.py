"""What a message costs between any two ends, measured or derived where nobody measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from app.core.device import LinkProfile
from app.core.identifiers import HOST, Serial

UNMEASURED_LINK = LinkProfile(latency_s=0.035, bytes_per_second=1.2e6)
"""Where nothing at all is known of a phone's link: the median phone of LinguaLinked's figures."""

_UNMEASURED_RATE = UNMEASURED_LINK.bytes_per_second

HEADER_BYTES = 160
"""What goes before a step's tensor, with trace and encryption, about (docs/wire-protocol.md)."""

TOKEN_BYTES = 8
"""A token id as it travels to the first stage and back from the last (`i8`)."""

Links = Mapping[tuple[Serial, Serial], LinkProfile]
Matrix = npt.NDArray[np.float64]


class LinkMatrix(Mapping[tuple[Serial, Serial], LinkProfile]):
    """Measured links as two arrays `[sender, receiver]`, NaN where nobody measured.

    Of 200 phones there may be 40,000: arrays are sent to another process, and counted with, a
    hundred times as fast as so many objects.
    """

    def __init__(self, ends: Sequence[Serial], latency_s: Matrix, bytes_per_second: Matrix) -> None:
        self.ends = tuple(ends)
        self.latency_s = latency_s
        self.bytes_per_second = bytes_per_second
        self._at = {end: at for at, end in enumerate(self.ends)}

    @classmethod
    def of(cls, links: Links) -> LinkMatrix:
        """Return the links as a matrix; one that is a matrix already as it is."""
        if isinstance(links, LinkMatrix):
            return links
        ends = tuple(dict.fromkeys(end for pair in links for end in pair))
        at = {end: index for index, end in enumerate(ends)}
        there = np.fromiter((at[end] for pair in links for end in pair), np.intp, 2 * len(links))
        figures = np.fromiter(
            (
                figure
                for link in links.values()
                for figure in (link.latency_s, link.bytes_per_second)
            ),
            np.float64,
            2 * len(links),
        )
        latency_s, rate = np.full((2, len(ends), len(ends)), np.nan)
        latency_s[there[::2], there[1::2]] = figures[::2]
        rate[there[::2], there[1::2]] = figures[1::2]
        return cls(ends, latency_s, rate)

    def set(self, pair: tuple[Serial, Serial], link: LinkProfile) -> None:
        """Put a figure in; for whoever made the matrix, before others have it."""
        at = self._at[pair[0]], self._at[pair[1]]
        self.latency_s[at], self.bytes_per_second[at] = link.latency_s, link.bytes_per_second

    def among(self, ends: Sequence[Serial]) -> tuple[Matrix, Matrix]:
        """Return latency and rate between those ends, in their order."""
        known = [index for index, end in enumerate(ends) if end in self._at]
        there = np.ix_(known, known)
        here = np.ix_(*[[self._at[ends[index]] for index in known]] * 2)
        latency_s, rate = np.full((2, len(ends), len(ends)), np.nan)
        latency_s[there], rate[there] = self.latency_s[here], self.bytes_per_second[here]
        return latency_s, rate

    def __getitem__(self, pair: tuple[Serial, Serial]) -> LinkProfile:
        at = self._at[pair[0]], self._at[pair[1]]
        if np.isnan(self.latency_s[at]):
            raise KeyError(pair)
        return LinkProfile(float(self.latency_s[at]), float(self.bytes_per_second[at]))

    def __iter__(self) -> Iterator[tuple[Serial, Serial]]:
        for sender, receiver in np.argwhere(~np.isnan(self.latency_s)).tolist():
            yield self.ends[sender], self.ends[receiver]

    def __len__(self) -> int:
        return int(np.count_nonzero(~np.isnan(self.latency_s)))


def link_between(links: Links, sender: Serial, receiver: Serial) -> LinkProfile:
    """Return the measured link, or a careful guess.

    An unmeasured pair of phones is taken to talk through the access point: both phones' links to
    the host one after the other, latencies added and each byte sent twice. A host link measured
    one way only counts for both ways.
    """
    measured = links.get((sender, receiver))
    if measured is not None:
        return measured
    if HOST in (sender, receiver):
        return links.get((receiver, sender), UNMEASURED_LINK)
    up, down = link_between(links, sender, HOST), link_between(links, HOST, receiver)
    return LinkProfile(
        latency_s=up.latency_s + down.latency_s,
        bytes_per_second=1.0 / (1.0 / up.bytes_per_second + 1.0 / down.bytes_per_second),
    )


def ring_closes(links: Links, last: Serial, first: Serial) -> bool:
    """Tell whether the last phone of a ring feeds the first itself.

    It does where it reaches it no later than by way of the host, which is taken to be so as long as
    one of the three links was not measured. A phone alone feeds itself.
    """
    wanted = (last, first), (last, HOST), (HOST, first)
    latencies_s = [links[pair].latency_s for pair in wanted if pair in links]
    return len(latencies_s) < len(wanted) or latencies_s[0] <= sum(latencies_s[1:])


def closing_rings(links: Links, serials: tuple[Serial, ...]) -> npt.NDArray[np.bool_]:
    """Return `[last, first]`: `ring_closes` of every pair at once."""
    latency_s, _ = LinkMatrix.of(links).among((*serials, HOST))
    straight_s, by_host_s = latency_s[:-1, :-1], latency_s[:-1, -1:] + latency_s[-1:, :-1]
    unmeasured = np.isnan(straight_s) | np.isnan(by_host_s)
    closes: npt.NDArray[np.bool_] = unmeasured | (straight_s <= by_host_s)
    return closes


def link_matrices(links: Links, serials: tuple[Serial, ...]) -> tuple[Matrix, Matrix]:
    """Return latency and the time of a byte in seconds, `[devices + 1, devices + 1]`, host last.

    Each is what `link_between` says of the two ends.
    """
    latency_s, rate = LinkMatrix.of(links).among((*serials, HOST))
    for values, guess in ((latency_s, UNMEASURED_LINK.latency_s), (rate, _UNMEASURED_RATE)):
        up, down = values[:-1, -1].copy(), values[-1, :-1].copy()
        values[:-1, -1] = np.nan_to_num(np.where(np.isnan(up), down, up), nan=guess)
        values[-1, :-1] = np.nan_to_num(np.where(np.isnan(down), up, down), nan=guess)
    byte_s = 1 / rate
    unmeasured = np.isnan(latency_s[:-1, :-1])
    by_host_s = latency_s[:-1, -1:] + latency_s[-1:, :-1]
    by_host_byte_s = byte_s[:-1, -1:] + byte_s[-1:, :-1]
    latency_s[:-1, :-1][unmeasured] = by_host_s[unmeasured]
    byte_s[:-1, :-1][unmeasured] = by_host_byte_s[unmeasured]
    np.fill_diagonal(latency_s, 0.0)
    np.fill_diagonal(byte_s, 0.0)
    return latency_s, byte_s
