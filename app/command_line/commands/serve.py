"""`shardloom serve`: an open rack at an HTTP address."""

from __future__ import annotations

import argparse
from contextlib import suppress
from dataclasses import replace

from app.command_line.options import rack_options
from app.command_line.output.terminal import print_line
from app.command_line.rack_session import RackSession, opened_rack, tell_left_out
from app.core.clock import SystemClock
from app.core.facts import Fact
from app.gateway.access.keys import KeyStore
from app.gateway.context import GatewaySettings
from app.gateway.server import Gateway
from app.rack.home import Home
from app.rack.options import DEFAULT_SLOTS
from app.words.sentences import sentence


def execute(arguments: argparse.Namespace) -> int:
    """Serve until the rack fails, or a signal ends it as it should end."""
    home = Home(arguments.home)
    clock = SystemClock()
    options = replace(rack_options(arguments), lets_terminals_in=True)
    settings = GatewaySettings(
        ledger=home.ledger_place,
        host=arguments.host,
        port=arguments.port,
        places=max(arguments.streams, DEFAULT_SLOTS),
        load_models=arguments.load_models,
    )
    with opened_rack(options) as session:
        gateway = Gateway(session.control, KeyStore(home.keys, clock), settings, clock)
        try:
            with suppress(KeyboardInterrupt):
                _serve(session, gateway)
        finally:
            gateway.close()
    return 0


def _serve(session: RackSession, gateway: Gateway) -> None:
    """Say when requests are taken, then wait for the end of the rack."""
    print_line(sentence(Fact("serve.listening", address=f"{gateway.address}/v1")))
    snapshot = session.wait_until_ready()
    tell_left_out(snapshot)
    model = snapshot.model.name if snapshot.model else ""
    print_line(sentence(Fact("serve.ready", model=model)))
    session.wait_until(lambda _rack: False)
