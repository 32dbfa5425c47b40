"""`shardloom devices --links`: how far and how wide each way between phones is, measured now."""

from __future__ import annotations

import argparse
from typing import Final, assert_never

from app.command_line.options import rack_options
from app.command_line.output.naming import phone_name
from app.command_line.output.progress import shown_progress
from app.command_line.output.terminal import print_json, print_line, print_table
from app.command_line.rack_session import found_rack
from app.core.device import Route
from app.core.facts import Fact
from app.core.identifiers import HOST, Serial
from app.core.units import format_bytes, format_duration
from app.rack.commands import MeasureLinks
from app.rack.snapshot import LinkSnapshot, RackSnapshot
from app.words.ages import age_text
from app.words.catalogue import tr
from app.words.phones.facts import route_word
from app.words.sentences import sentence

MEASURE_TIMEOUT_S: Final = 120.0


def execute(arguments: argparse.Namespace) -> int:
    """Open the rack, measure every link once and print what came of it."""
    with found_rack(rack_options(arguments)) as session, shown_progress(session):
        session.wait_until_ready()
        session.control.do(MeasureLinks()).result(MEASURE_TIMEOUT_S)
        snapshot = session.control.snapshot()
    if arguments.json:
        links = [link_report(link, snapshot.at_s) for link in snapshot.links]
        print_json({"rack": snapshot.rack_name, "links": links})
    else:
        _print(snapshot)
    return 0


def link_report(link: LinkSnapshot, now_s: float) -> dict[str, object]:
    """Return one direction of a link, ready for JSON."""
    return {
        "from": link.sender,
        "to": link.receiver,
        "route": link.route.value,
        "latency_ms": link.profile.latency_s * 1000,
        "bytes_per_second": link.profile.bytes_per_second,
        "age_s": now_s - link.measured_at_s,
        "stale": not link.is_fresh(now_s),
    }


def _print(snapshot: RackSnapshot) -> None:
    ends = [HOST, *(phone.serial for phone in snapshot.phones)]
    links = {(link.sender, link.receiver): link for link in snapshot.links}
    rows = [
        [
            _name(snapshot, sender),
            *(_cell(links.get((sender, each)), snapshot.at_s) for each in ends),
        ]
        for sender in ends
    ]
    headings = (tr("from \\ to"), *(f">{_name(snapshot, serial)}" for serial in ends))
    print_table(headings, rows, title=sentence(Fact("links.title", rack=snapshot.rack_name)))
    used = {link.route for link in snapshot.links}
    for route in Route:
        if route in used and (mark := _mark(route)):
            print_line(f"{mark} {route_word(route)}")


def _name(snapshot: RackSnapshot, serial: Serial) -> str:
    return tr("this computer") if serial == HOST else phone_name(snapshot, serial)


def _cell(link: LinkSnapshot | None, now_s: float) -> str:
    if link is None:
        return "-"
    latency, rate = format_duration(link.profile.latency_s), link.profile.bytes_per_second
    age_s = now_s - link.measured_at_s
    told = f"{latency}, {format_bytes(rate)}/s {_mark(link.route)}".rstrip()
    if link.is_fresh(now_s):
        return told
    return sentence(Fact("links.old", link=told, age=age_text(age_s)))


def _mark(route: Route) -> str:
    match route:
        case Route.DIRECT:
            return ""
        case Route.ADB:
            return "ᵃ"
        case Route.RELAYED:
            return "ʳ"
        case Route.SERVER:
            return "ˢ"
        case _:
            assert_never(route)
