"""What a message costs between any two ends, measured or derived where nobody measured."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from app.core.device import LinkProfile
from app.core.identifiers import HOST, Serial

UNMEASURED_LINK = LinkProfile(latency_s=0.035, bytes_per_second=1.2e6)
"""Where nothing at all is known of a phone's link: the median phone of LinguaLinked's figures."""

HEADER_BYTES = 160
"""What goes before a step's tensor, with trace and encryption, about (docs/wire-protocol.md)."""

TOKEN_BYTES = 8
"""A token id as it travels to the first stage and back from the last (`i8`)."""

Links = Mapping[tuple[Serial, Serial], LinkProfile]
Matrix = npt.NDArray[np.float64]


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


def link_matrices(links: Links, serials: tuple[Serial, ...]) -> tuple[Matrix, Matrix]:
    """Return latency and the time of a byte in seconds, `[devices + 1, devices + 1]`, host last."""
    ends = (*serials, HOST)
    latency_s = np.zeros((len(ends), len(ends)))
    byte_s = np.zeros_like(latency_s)
    for row, sender in enumerate(ends):
        for column, receiver in enumerate(ends):
            if row != column:
                link = link_between(links, sender, receiver)
                latency_s[row, column] = link.latency_s
                byte_s[row, column] = 1 / link.bytes_per_second
    return latency_s, byte_s
