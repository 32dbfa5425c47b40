"""Which phones make a rack: `virtual:N`, a rack file (TOML), adb servers, addresses."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from app.core.audit_outcome import CheckMode
from app.core.device import MOST_MEMORY_SHARE, KnownPhone, is_memory_share
from app.core.errors import BadInputError, reason_of
from app.devices.adb.adb_server import USUAL_PORT, local_server
from app.devices.discovery.phone_sources import Reach
from app.devices.links.tcp_link import split_address
from app.pipeline.opening_stages.lookup import LookupMode
from app.placement.conditions import MOST_CELSIUS, UNCONDITIONAL, Conditions, is_most_celsius
from app.placement.problem import Objective
from app.placement.rebalancing.setting import Balancing
from app.virtual.persona import Persona, first_personas

DEMO_RACK: Final = "demo"
MAXIMUM_VIRTUAL_PHONES: Final = 64
REAL_RACK_AUDIT_RATE: Final = 0.1
"""Audited share of receipts on racks that do not set it: a real phone's work is costly to redo."""

DEFAULT_PAUSE_LIMIT_S: Final = 600.0
"""How long requests wait for a phone on racks that do not set it: long enough to fetch a cable."""
LONGEST_PAUSE_LIMIT_S: Final = 7 * 86_400.0
_LARGEST: Final = sys.float_info.max
"""A whole number in TOML may be larger than any float."""

_KEYS: Final = frozenset(
    {"name", "use", "audit_rate", "pause_limit_s", "phones", "servers", "addresses", "network"}
    | {"count", "workers", "balancing", "check_everything", "verifiers", "lookup"}
    | {"known", "excluded", "trusted", "private", "least_reputation"}
    | {"least_battery_percent", "most_celsius"}
    | {"objective", "most_token_ms", "least_tokens_per_second"}
)
_PERSONA_KEYS: Final = frozenset(field.name for field in fields(Persona))
_KNOWN_KEYS: Final = frozenset(field.name for field in fields(KnownPhone))
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class RackDefinition:
    """What a rack consists of. `use_all` gives every phone at least one layer.

    With `network`, phones this computer has paired with belong to it, wherever they are advertised.
    At most `workers` phones run a worker at a time, the others stand by; None is all of them.
    Layers move by themselves where `balancing` says so; unless a file does, they do on simulated
    phones, and a person is asked on real ones. Where too few phones are there, requests wait
    `pause_limit_s` before they fail. Whether every token is checked is `check_mode`, whether idle
    phones audit others `verifiers`, whether rings may draft tokens `lookup`. Of `known` phones an
    operator says more than they do themselves.
    """

    name: str
    use_all: bool
    audit_rate: float
    personas: tuple[Persona, ...] = ()
    servers: tuple[tuple[str, int], ...] = ()
    addresses: tuple[str, ...] = ()
    reach: Reach = Reach.ANY
    network: bool = False
    workers: int | None = None
    pause_limit_s: float = DEFAULT_PAUSE_LIMIT_S
    balancing: Balancing = Balancing.ASK
    lookup: LookupMode = LookupMode.AUTO
    conditions: Conditions = UNCONDITIONAL
    check_mode: CheckMode = CheckMode.AUTO
    verifiers: bool = False
    known: tuple[KnownPhone, ...] = ()
    objective: Objective | None = None


def load_rack(text: str | None, racks_folder: Path) -> RackDefinition:
    """Return the rack that the text names; None is whatever the local adb server has.

    Raises `BadInputError` with what is wrong and where.
    """
    if text is None:
        return _behind_server(DEMO_RACK)
    kind, colon, rest = text.partition(":")
    if colon and kind == "virtual":
        return _virtual(rest, racks_folder)
    if "," in text or (colon and kind == "server"):
        return _several(text)
    if text in {Reach.USB, Reach.WIFI}:
        return _behind_server(text, Reach(text))
    file = _rack_file(text, racks_folder)
    if file is not None:
        return read_rack_file(file)
    if colon:
        split_address(text)
        return RackDefinition(text, False, REAL_RACK_AUDIT_RATE, addresses=(text,))
    known = tuple(sorted(path.stem for path in racks_folder.glob("*.toml")))
    raise BadInputError("rack.unknown", name=text, known=known)


def read_rack_file(path: Path) -> RackDefinition:
    """Read a rack file. Raises `BadInputError` naming the file, the key and the place."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInputError(
            "rack_file.unreadable", file=path.name, reason=reason_of(error)
        ) from None
    _refuse_unknown(path.name, table, _KEYS, "")
    return RackDefinition(
        name=_text(path.name, table, "name", path.stem),
        use_all=_use_all(path.name, table),
        audit_rate=_audit_rate(path.name, table),
        personas=_counted(path.name, table, _tables(path.name, table, "phones")),
        servers=_servers(path.name, _tables(path.name, table, "servers")),
        addresses=_addresses(path.name, table),
        network=_switch(path.name, table, "network"),
        workers=_count(path.name, table, "workers"),
        balancing=_balancing(path.name, table),
        pause_limit_s=_pause_limit_s(path.name, table),
        conditions=_conditions(path.name, table),
        check_mode=_check_mode(path.name, table),
        verifiers=_switch(path.name, table, "verifiers"),
        known=_known(path.name, _tables(path.name, table, "known")),
        lookup=_lookup(path.name, table),
        objective=_objective(path.name, table),
    )


def _virtual(count: str, racks_folder: Path) -> RackDefinition:
    if not count.isdecimal() or not 1 <= int(count) <= MAXIMUM_VIRTUAL_PHONES:
        raise BadInputError("rack.virtual_count", most=MAXIMUM_VIRTUAL_PHONES)
    demo = read_rack_file(racks_folder / f"{DEMO_RACK}.toml")
    personas = first_personas(demo.personas, int(count))
    return RackDefinition(
        f"virtual:{count}", True, demo.audit_rate, personas, balancing=demo.balancing
    )


def _behind_server(name: str, reach: Reach = Reach.ANY) -> RackDefinition:
    network, servers = reach is Reach.WIFI, (local_server(),)
    return RackDefinition(
        name, False, REAL_RACK_AUDIT_RATE, servers=servers, reach=reach, network=network
    )


def _several(text: str) -> RackDefinition:
    """Return the rack of every adb server and address named: many rack hosts are one rack."""
    servers: list[tuple[str, int]] = []
    addresses = []
    for part in text.split(","):
        kind, colon, rest = part.strip().partition(":")
        if colon and kind == "server":
            servers.append(split_address(rest))
        else:
            split_address(part.strip())
            addresses.append(part.strip())
    return RackDefinition(
        text, False, REAL_RACK_AUDIT_RATE, servers=tuple(servers), addresses=tuple(addresses)
    )


def _rack_file(text: str, racks_folder: Path) -> Path | None:
    if _PLAIN_NAME.fullmatch(text) and (racks_folder / f"{text}.toml").is_file():
        return racks_folder / f"{text}.toml"
    if text.endswith(".toml") or Path(text).is_file():
        return Path(text)
    return None


def _refuse_unknown(file: str, table: Mapping[str, Any], known: Iterable[str], place: str) -> None:
    for key in table:
        if key not in known and place:
            raise BadInputError("rack_file.unknown_key_in", file=file, key=key, place=place)
        if key not in known:
            raise BadInputError("rack_file.unknown_key", file=file, key=key)


def _text(file: str, table: Mapping[str, Any], key: str, default: str) -> str:
    value = table.get(key, default)
    if not isinstance(value, str) or not value:
        raise BadInputError("rack_file.not_text", file=file, key=key)
    return value


def _use_all(file: str, table: Mapping[str, Any]) -> bool:
    use = _text(file, table, "use", "best")
    if use not in {"all", "best"}:
        raise BadInputError("rack_file.use", file=file)
    return use == "all"


def _switch(file: str, table: Mapping[str, Any], key: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise BadInputError("rack_file.not_a_switch", file=file, key=key)
    return value


def _audit_rate(file: str, table: Mapping[str, Any]) -> float:
    return _share(file, table, "audit_rate", REAL_RACK_AUDIT_RATE)


def _share(file: str, table: Mapping[str, Any], key: str, usual: float) -> float:
    share = table.get(key, usual)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise BadInputError("rack_file.not_a_share", file=file, key=key)
    return float(share)


def _conditions(file: str, table: Mapping[str, Any]) -> Conditions:
    return Conditions(
        _names(file, table, "excluded"),
        _names(file, table, "trusted"),
        _switch(file, table, "private"),
        _share(file, table, "least_reputation", 0.0),
        _percent(file, table, "least_battery_percent"),
        _most_celsius(file, table),
        None if (most := _positive(file, table, "most_token_ms")) is None else most / 1000,
        _positive(file, table, "least_tokens_per_second") or 0.0,
    )


def _objective(file: str, table: Mapping[str, Any]) -> Objective | None:
    named = table.get("objective")
    if named is None:
        return None
    known = tuple(each.value for each in Objective)
    if named not in known:
        raise BadInputError("rack_file.objective", file=file, known=known)
    return Objective(named)


def _positive(file: str, table: Mapping[str, Any], key: str) -> float | None:
    value = table.get(key)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value <= _LARGEST:
        raise BadInputError("rack_file.not_positive", file=file, key=key)
    return float(value)


def _percent(file: str, table: Mapping[str, Any], key: str) -> int:
    value = table.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100:
        raise BadInputError("rack_file.not_a_percentage", file=file, key=key)
    return value


def _most_celsius(file: str, table: Mapping[str, Any]) -> float | None:
    value = table.get("most_celsius")
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not is_most_celsius(value):
        least, most = MOST_CELSIUS
        raise BadInputError("rack_file.not_degrees", file=file, least=least, most=most)
    return float(value)


def _names(file: str, table: Mapping[str, Any], key: str) -> frozenset[str]:
    names = table.get(key, [])
    if not isinstance(names, list) or not all(isinstance(each, str) and each for each in names):
        raise BadInputError("rack_file.not_names", file=file, key=key)
    return frozenset(names)


def _check_mode(file: str, table: Mapping[str, Any]) -> CheckMode:
    mode = table.get("check_everything", CheckMode.AUTO.value)
    if mode not in {each.value for each in CheckMode}:
        raise BadInputError("rack_file.check_everything", file=file)
    return CheckMode(mode)


def _lookup(file: str, table: Mapping[str, Any]) -> LookupMode:
    mode = table.get("lookup", LookupMode.AUTO.value)
    if mode not in {each.value for each in LookupMode}:
        raise BadInputError("rack_file.lookup", file=file)
    return LookupMode(mode)


def _balancing(file: str, table: Mapping[str, Any]) -> Balancing:
    usual = Balancing.ON if table.get("phones") else Balancing.ASK
    mode = table.get("balancing", usual.value)
    if mode not in {each.value for each in Balancing}:
        raise BadInputError("rack_file.balancing", file=file)
    return Balancing(mode)


def _pause_limit_s(file: str, table: Mapping[str, Any]) -> float:
    limit_s = table.get("pause_limit_s", DEFAULT_PAUSE_LIMIT_S)
    is_number = isinstance(limit_s, int | float) and not isinstance(limit_s, bool)
    if not is_number or not 0 <= limit_s <= LONGEST_PAUSE_LIMIT_S:
        raise BadInputError("rack_file.pause_limit", file=file, most=int(LONGEST_PAUSE_LIMIT_S))
    return float(limit_s)


def _tables(file: str, table: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    tables = table.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(entry, dict) for entry in tables):
        raise BadInputError("rack_file.not_tables", file=file, key=key)
    return tables


def _counted(
    file: str, table: Mapping[str, Any], phones: list[dict[str, Any]]
) -> tuple[Persona, ...]:
    """Return the phones, taken again and again under new serials where `count` asks for more."""
    personas, count = _personas(file, phones), _count(file, table, "count")
    if count is not None and not personas:
        raise BadInputError("rack_file.count_of_none", file=file)
    return personas if count is None else first_personas(personas, count)


def _count(file: str, table: Mapping[str, Any], key: str) -> int | None:
    count = table.get(key)
    if count is None:
        return None
    if type(count) is not int or not 1 <= count <= MAXIMUM_VIRTUAL_PHONES:
        raise BadInputError("rack_file.count", file=file, key=key, most=MAXIMUM_VIRTUAL_PHONES)
    return count


def _personas(file: str, tables: list[dict[str, Any]]) -> tuple[Persona, ...]:
    personas = []
    for number, table in enumerate(tables, start=1):
        _refuse_unknown(file, table, _PERSONA_KEYS, f"phones[{number}]")
        personas.append(Persona.from_table(table, f"{file}: phones[{number}]"))
    serials = [persona.serial for persona in personas]
    for serial in serials:
        if serials.count(serial) > 1:
            raise BadInputError("rack_file.serial_twice", file=file, serial=serial)
    return tuple(personas)


def _known(file: str, tables: list[dict[str, Any]]) -> tuple[KnownPhone, ...]:
    known = []
    for number, table in enumerate(tables, start=1):
        place = f"known[{number}]"
        _refuse_unknown(file, table, _KNOWN_KEYS, place)
        phone, name, share = (table.get(key) for key in ("phone", "name", "memory_share"))
        for key, text in (("phone", phone), ("name", name or "-")):
            if not isinstance(text, str) or not text:
                raise BadInputError("rack_file.not_text", file=file, key=f"{place}.{key}")
        is_number = isinstance(share, int | float) and not isinstance(share, bool)
        if share is not None and not (is_number and is_memory_share(share)):
            key = f"{place}.memory_share"
            most = MOST_MEMORY_SHARE
            raise BadInputError("rack_file.memory_share", file=file, key=key, most=most)
        known.append(KnownPhone(str(phone), name, share and float(share)))
    return tuple(known)


def _servers(file: str, tables: list[dict[str, Any]]) -> tuple[tuple[str, int], ...]:
    servers = []
    for number, table in enumerate(tables, start=1):
        place = f"servers[{number}]"
        _refuse_unknown(file, table, {"host", "port"}, place)
        host, port = table.get("host"), table.get("port", USUAL_PORT)
        if not isinstance(host, str) or not isinstance(port, int) or not 0 < port < 65536:
            raise BadInputError("rack_file.server", file=file, place=place)
        servers.append((host, port))
    return tuple(servers)


def _addresses(file: str, table: Mapping[str, Any]) -> tuple[str, ...]:
    addresses = table.get("addresses", [])
    if not isinstance(addresses, list) or not all(isinstance(entry, str) for entry in addresses):
        raise BadInputError("rack_file.addresses", file=file)
    for address in addresses:
        split_address(address)
    return tuple(addresses)
