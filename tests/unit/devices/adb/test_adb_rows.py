"""Rows of `adb devices -l` as Google's server writes them, whatever stands in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.identifiers import Serial
from app.devices.adb.adb_rows import ListedPhone, names_of, read_row, read_rows
from app.words.sentences import fact_text

SEE = "see [http://developer.android.com/tools/device.html]"
STATES = ("device", "offline", "unauthorized", "authorizing", "recovery", "sideload", "host")
SERIALS = st.text("ABCdef0189 ()._-[]ä", min_size=1, max_size=50).map(str.strip).filter(bool)
WORDS = st.text("ABCdef019_", min_size=1, max_size=12)
PRODUCTS = st.lists(st.sampled_from(["device", "offline", "some", "phone"]), min_size=1).map(
    " ".join
)


def row(serial: str, state: str, *words: str) -> str:
    """Write a row as the server does (`%-22s %s`, then words that have a name)."""
    return " ".join((f"{serial:<22}", state, *words))


@given(
    serial=SERIALS,
    state=st.sampled_from(STATES),
    port=st.one_of(st.just(""), st.from_regex(r"usb:[1-9]-[1-9](\.[1-9])?", fullmatch=True)),
    product=PRODUCTS,
    model=WORDS,
    number=st.integers(1, 999),
)
def test_what_the_server_wrote_is_read_back(
    serial: str, state: str, port: str, product: str, model: str, number: int
) -> None:
    names = (f"product:{product}", f"model:{model}", f"device:{model}", f"transport_id:{number}")
    words = (*([port] if port else []), *names)
    assert read_row(row(serial, state, *words)) == ListedPhone(
        serial, state, port=port, transport_id=str(number)
    )


@given(line=st.text())
def test_any_line_is_a_row_or_none(line: str) -> None:
    found = read_row(line)
    assert found is None or found.state


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "adb-2233fd19-9mU6UL (2)._adb-tls-connect._tcp device product:p transport_id:3",
            ListedPhone("adb-2233fd19-9mU6UL (2)._adb-tls-connect._tcp", "device", "", "", "3"),
        ),
        (
            row("(no serial number)", "no permissions", f"(udev?); {SEE}", "usb:1-4"),
            ListedPhone("", "no permissions", f"(udev?); {SEE}", "usb:1-4"),
        ),
        (
            row("192.168.0.17:5555", "offline", "transport_id:7"),
            ListedPhone("192.168.0.17:5555", "offline", transport_id="7"),
        ),
        (row("my device 7", "unauthorized"), ListedPhone("my device 7", "unauthorized")),
        (
            row("X", "hibernating", "usb:1-1", "transport_id:1"),
            ListedPhone("X", "hibernating", "", "usb:1-1", "1"),
        ),
        ("* daemon started successfully *", None),
        ("", None),
    ],
)
def test_a_row_is_read_by_its_columns(line: str, expected: ListedPhone | None) -> None:
    assert read_row(line) == expected


def test_phones_with_one_serial_number_or_none_are_told_apart() -> None:
    text = "\n".join(
        (
            row("SAME", "device", "usb:1-1", "transport_id:1"),
            row("SAME", "device", "usb:1-2", "transport_id:2"),
            row("(no serial number)", "no permissions", "usb:1-3", "transport_id:3"),
            row("ONE", "device", "usb:1-4", "transport_id:4"),
        )
    )
    named = names_of(read_rows(text))
    assert list(named) == ["SAME@usb:1-1", "SAME@usb:1-2", "no serial number@usb:1-3", "ONE"]
    assert [each.is_alone for each in named.values()] == [False, False, False, True]


def test_a_phone_keeps_its_name_while_another_of_its_serial_comes_and_goes() -> None:
    first = row("SAME", "device", "usb:1-1", "transport_id:1")
    second = row("SAME", "device", "usb:1-2", "transport_id:2")
    earlier: dict[str, Serial] = {}
    seen = []
    for rows in ([first], [second, first], [second]):
        named = names_of(read_rows("\n".join(rows)), earlier)
        earlier = {each.transport_id: name for name, each in named.items()}
        seen.append({each.port: str(name) for name, each in named.items()})
    assert seen == [
        {"usb:1-1": "SAME"},
        {"usb:1-1": "SAME", "usb:1-2": "SAME@usb:1-2"},
        {"usb:1-2": "SAME@usb:1-2"},
    ]


def test_rows_that_have_tripped_programs_like_this_one_are_read_to_the_last() -> None:
    twin = "device usb:1-{0} product:generic model:Cheap_Phone device:generic transport_id:{0}"
    rows = (
        f"0123456789ABCDEF       {twin.format(1)}",
        f"0123456789ABCDEF       {twin.format(2)}",
        (
            "adb-2233fd19-9mU6UL (2)._adb-tls-connect._tcp device product:some model:Some_Phone"
            " device:some transport_id:3"
        ),
        (
            "(no serial number)     no permissions (missing udev rules? user is in the plugdev"
            f" group); {SEE} usb:1-4 transport_id:4"
        ),
        (
            "A1B2C3                 no permissions (user in plugdev group; are your udev rules"
            f" wrong?); {SEE} usb:1-5 transport_id:5"
        ),
        "RF8M0000XYZ            unauthorized usb:2-1 transport_id:6",
        "192.168.0.17:5555      offline transport_id:7",
        "emulator-5554          device product:sdk model:sdk_phone device:emu transport_id:8",
        "Gerät-7                device usb:2-2 product:p model:M device:d transport_id:9",
    )
    named = names_of(read_rows("\n".join(rows)))
    assert [(str(name), each.state, each.needed_id) for name, each in named.items()] == [
        ("0123456789ABCDEF@usb:1-1", "device", "1"),
        ("0123456789ABCDEF@usb:1-2", "device", "2"),
        ("adb-2233fd19-9mU6UL (2)._adb-tls-connect._tcp", "device", ""),
        ("no serial number@usb:1-4", "no permissions", "4"),
        ("A1B2C3", "no permissions", ""),
        ("RF8M0000XYZ", "unauthorized", ""),
        ("192.168.0.17:5555", "offline", ""),
        ("emulator-5554", "device", ""),
        ("Gerät-7", "device", ""),
    ]
    assert [each.transport_id for each in named.values()] == [str(n) for n in range(1, 10)]


def test_without_permission_the_rule_to_install_is_named() -> None:
    (phone,) = read_rows(row("(no serial number)", "no permissions", f"(udev?); {SEE}", "usb:1-4"))
    told = fact_text(phone.obstacle("adb server"))
    assert "/etc/udev/rules.d/" in told
    rule = told.split("`sudo cp ")[1].split()[0]
    assert rule.endswith("70-android-adb.rules")
