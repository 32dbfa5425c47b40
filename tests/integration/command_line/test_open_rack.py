"""Terminal commands on a rack that another program has open: real programs on both sides."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.core.tasks import Complete
from app.rack.commands import Ask
from app.rack.door import entrance
from app.rack.door.remote_rack import find_open
from app.rack.events.request_events import TokenAdded
from app.rack.home import Home
from tests.integration.command_line.served_rack import TIMEOUT_S, ServedRack, served

PROMPT = ("--prompt", "In the beginning")
LONG = ("run", "demo", *PROMPT, "--tokens", "900")


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedRack]:
    with served(tmp_path_factory.mktemp("home"), "virtual:2") as found:
        yield found


def figures(rack: ServedRack) -> dict[str, float]:
    """Return what the address counts."""
    text = httpx2.get(f"{rack.address}/metrics").text
    families = text_string_to_metric_families(text)
    return {each.name: each.value for family in families for each in family.samples}


def wait_for_running(rack: ServedRack, count: int) -> None:
    """Return once so many requests run."""
    rest = Event()
    while figures(rack)["shardloom_requests_running"] != count:
        rest.wait(0.05)


def test_a_run_uses_the_open_rack_and_leaves_it_open(rack: ServedRack) -> None:
    for _ in range(2):
        told = rack.report("run", "demo", *PROMPT, "--tokens", "3")
        assert (told["text"], told["state"], told["verified_tokens"]) == (" of the c", "settled", 3)
    several = rack.report("run", "demo", *PROMPT, "--tokens", "3", "--streams", "6")
    assert {each["text"] for each in several["streams"]} == {" of the c"}


def test_a_run_on_the_open_rack_is_traced_too(rack: ServedRack, tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    told = rack.report("run", "demo", *PROMPT, "--tokens", "5", "--trace", str(path))
    assert len(told["token_ids"]) == 5
    events = json.loads(path.read_text())["traceEvents"]
    names = [each["args"]["name"] for each in events if each["name"] == "process_name"]
    assert names == ["host", *(each["serial"] for each in told["assignment"])]
    assert sum(each["name"] == "token" for each in events) == 5
    assert sum(each["name"] == "compute" for each in events) == 2 * 5


def test_devices_plan_and_ledger_tell_of_the_open_rack(rack: ServedRack) -> None:
    devices = rack.report("devices")["devices"]
    assert [each["position"] for each in devices] == [1, 2]
    plan = rack.report("plan", "demo", "--compare")
    assert plan["model"] == "demo"
    assert rack.report("ledger", "show")["entries"] > 0
    links = rack.report("devices", "--links")["links"]
    assert len(links) >= 2


def test_a_phone_stands_by_without_layers_until_it_is_taken_up(rack: ServedRack) -> None:
    first, second = (each["serial"] for each in rack.report("devices")["devices"])
    run = ("run", "demo", *PROMPT, "--tokens", "3")
    assert rack.report("devices", "standby", first)["standing_by"] == [first]
    held = rack.report(*run)
    assert [each["serial"] for each in held["assignment"]] == [second]
    ready = {each["serial"]: each["state"] for each in rack.report("devices")["devices"]}
    assert ready[first] == "ready"
    refused = rack.run("devices", "standby", second)
    assert refused.returncode == 1
    assert rack.report(*run)["text"] == held["text"]
    assert rack.report("devices", "standby", first, "--take-up")["standing_by"] == []
    assert rack.run("devices", "standby", "nobody").returncode == 1


def test_what_the_model_cannot_do_is_refused_as_in_a_rack_of_ones_own(rack: ServedRack) -> None:
    for verb in ("classify", "embed"):
        refused = rack.run(verb, "demo", "--text", "x")
        assert refused.returncode == 1
        assert "demo" in refused.stderr


def test_another_rack_than_the_open_one_is_refused_in_one_line(rack: ServedRack) -> None:
    for arguments in (("devices",), ("run", "demo", *PROMPT)):
        refused = rack.run(*arguments, "--rack", "virtual:3")
        assert refused.returncode == 1
        assert refused.stderr.count("\n") == 1
        assert "virtual:2" in refused.stderr


def test_options_of_a_rack_that_is_open_are_said_to_have_no_effect(rack: ServedRack) -> None:
    done = rack.run("run", "demo", *PROMPT, "--tokens", "1", "--context", "512")
    assert done.returncode == 0
    assert "--context has no effect" in done.stderr


def test_a_second_shardloom_that_wants_a_rack_of_its_own_leaves_the_socket_alone(
    rack: ServedRack,
) -> None:
    refused = rack.run("serve", "--rack", "virtual:2", "--port", "0")
    assert refused.returncode == 1
    assert "Another Shardloom is using" in refused.stderr
    rack.report("devices")


def test_ctrl_c_stops_the_request_and_not_the_rack(rack: ServedRack) -> None:
    with rack.start(*LONG) as program:
        wait_for_running(rack, 1)
        program.send_signal(signal.SIGINT)
        _, told = program.communicate(timeout=TIMEOUT_S)
    assert (program.returncode, told) == (1, "shardloom: Stopped before it was done.\n")
    wait_for_running(rack, 0)


def test_a_program_that_is_killed_leaves_no_request_behind(rack: ServedRack) -> None:
    with rack.start(*LONG) as program:
        wait_for_running(rack, 1)
        program.kill()
    wait_for_running(rack, 0)
    rack.report("run", "demo", *PROMPT, "--tokens", "1")


def test_a_fault_that_a_terminal_set_goes_with_it(rack: ServedRack) -> None:
    told = rack.report("run", "demo", *PROMPT, "--tokens", "2", "--fault", "slow:1")
    assert told["text"] == " of the"
    rest = Event()
    remote = find_open(Home(rack.home))
    assert remote is not None
    with closing(remote):
        while any(phone.fault for phone in remote.snapshot().phones):
            rest.wait(0.05)


def test_tokens_come_as_they_are_made_and_a_silent_reader_holds_nobody(rack: ServedRack) -> None:
    silent = entrance.connect(Home(rack.home), TIMEOUT_S)
    assert silent is not None
    remote = find_open(Home(rack.home))
    assert remote is not None
    with closing(silent), closing(remote):
        request = remote.do(Ask(Complete("In the beginning"), 20)).result(TIMEOUT_S)
        first = next(e.what for e in remote.follow(request) if isinstance(e.what, TokenAdded))
        assert first.position == 1
        assert not remote.snapshot().requests[0].state.ended
    wait_for_running(rack, 0)


def test_who_uses_a_rack_that_closes_is_told_so(tmp_path: Path) -> None:
    with served(tmp_path, "virtual:2") as rack:
        program = rack.start(*LONG)
        wait_for_running(rack, 1)
    with program:
        _, told = program.communicate(timeout=TIMEOUT_S)
    assert program.returncode == 1
    assert told.count("\n") == 1
    assert not entrance.path_of(Home(tmp_path)).exists()
