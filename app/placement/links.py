"""What a message costs between any two ends, measured or derived where nobody measured."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from app.core.device import LinkProfile
from app.core.identifiers import HOST, Serial

UNMEASURED_LINK = LinkProfile(latency_s=0.035, bytes_per_second=1.2e6)
"""Where nothing at all is known of a phone's link: the median phone of LinguaLinked's figures."""

HEADER_BYTES = 200
"""A step's header frame with its trace, about (docs/wire-protocol.md)."""

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


def hop_matrices(
    links: Links, serials: tuple[Serial, ...], boundary_bytes: int
) -> tuple[Matrix, Matrix]:
    """Return hop time and airtime in seconds, both `[devices + 1, devices + 1]`, the host last.

    Airtime is the part of a hop that occupies the medium: bytes over bandwidth, no latency.
    """
    ends = (*serials, HOST)
    hop_s = np.zeros((len(ends), len(ends)))
    airtime_s = np.zeros_like(hop_s)
    for row, sender in enumerate(ends):
        for column, receiver in enumerate(ends):
            if row == column:
                continue
            link = link_between(links, sender, receiver)
            size_bytes = message_bytes(sender, receiver, boundary_bytes)
            hop_s[row, column] = link.transfer_s(size_bytes)
            airtime_s[row, column] = size_bytes / link.bytes_per_second
    return hop_s, airtime_s


def message_bytes(sender: Serial, receiver: Serial, boundary_bytes: int) -> int:
    """Return what one decoded token puts on that hop: an id at the host's ends, else a state."""
    payload = TOKEN_BYTES if HOST in (sender, receiver) else boundary_bytes
    return HEADER_BYTES + payload
