"""The shell and file services over byte streams that end their chunks anywhere."""

from __future__ import annotations

import contextlib
import itertools
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import PhoneLostError, ShardloomError
from app.devices.adb.shell_service import MAXIMUM_OUTPUT_BYTES, run_command
from app.devices.adb.stream import ByteStream
from app.devices.adb.sync_service import list_folder, pull_file, push_file, stat_file
from app.devices.errors import PhoneRefusedError
from tests.saying import raises_saying


class Recorded:
    """A stream, and its source, that answers with recorded chunks and keeps what was sent."""

    transport = "recorded"
    holder = ""
    keeps_tunnels = False

    def __init__(self, chunks: Sequence[bytes]) -> None:
        self._chunks = [chunk for chunk in chunks if chunk]
        self.sent = bytearray()
        self.closed = False
        self.service = ""

    def open(self, service: str, timeout_s: float) -> ByteStream:
        assert timeout_s > 0
        self.service = service
        return self

    def send(self, data: bytes) -> None:
        self.sent += data

    def receive(self) -> bytes:
        return self._chunks.pop(0) if self._chunks else b""

    def wait_for_ever(self) -> None:
        """What is recorded is there at once."""

    def forward_there(self, phone_port: int) -> int:
        raise PhoneRefusedError(f"Port {phone_port} is not on a recording.")

    def mend_forwards(self) -> int:
        return 0

    def expect(self, host_port: int) -> None:
        """No recording opens a stream."""

    def close(self) -> None:
        self.closed = True


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    bounds = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(bounds)]


def frame(kind: int, data: bytes) -> bytes:
    return struct.pack("<BI", kind, len(data)) + data


PLACES = st.lists(st.integers(0, 10_000), max_size=8)


@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.text(max_size=30)), max_size=8),
    st.integers(0, 255),
    PLACES,
)
def test_streams_and_exit_code_survive_any_chunking(
    prints: list[tuple[int, str]], exit_code: int, places: list[int]
) -> None:
    frames = b"".join(frame(kind, text.encode()) for kind, text in prints)
    source = Recorded(cut(frames + frame(3, bytes([exit_code])), places))
    result = run_command(source, "command", 5.0)
    assert source.service == "shell,v2,raw:command"
    assert source.closed
    assert result.exit_code == exit_code
    assert result.stdout == "".join(text for kind, text in prints if kind == 1)
    assert result.stderr == "".join(text for kind, text in prints if kind == 2)


def test_a_shell_that_ends_without_an_exit_code_is_a_lost_phone() -> None:
    with pytest.raises(PhoneLostError):
        run_command(Recorded([frame(1, b"half")]), "command", 5.0)


def test_an_announced_flood_is_refused_before_it_is_read() -> None:
    source = Recorded([struct.pack("<BI", 1, MAXIMUM_OUTPUT_BYTES + 1)])
    with raises_saying(PhoneRefusedError, match="16 MB"):
        run_command(source, "command", 5.0)
    assert source.closed


@given(st.binary(max_size=300_000), PLACES)
@settings(max_examples=30)
def test_a_push_is_records_of_at_most_64_kib(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, places: list[int]
) -> None:
    path = tmp_path_factory.mktemp("push") / "file"
    path.write_bytes(content)
    stream = Recorded(cut(b"OKAY\0\0\0\0", places))
    push_file(stream, path, "/there", 0o600, None)
    request = b"/there,33152"
    sent = bytes(stream.sent)
    assert sent.startswith(b"SEND" + struct.pack("<I", len(request)) + request)
    rest, landed = sent[8 + len(request) :], b""
    while rest.startswith(b"DATA"):
        (size,) = struct.unpack("<I", rest[4:8])
        assert size <= 65536
        landed, rest = landed + rest[8 : 8 + size], rest[8 + size :]
    assert rest.startswith(b"DONE")
    assert landed == content


@given(st.lists(st.binary(min_size=1, max_size=2000), max_size=6), PLACES)
@settings(max_examples=30)
def test_a_pull_survives_any_chunking(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes], places: list[int]
) -> None:
    target = tmp_path_factory.mktemp("pull") / "file"
    data = b"".join(b"DATA" + struct.pack("<I", len(record)) + record for record in records)
    pull_file(Recorded(cut(data + b"DONE\0\0\0\0", places)), "/there", target, 0, None)
    assert target.read_bytes() == b"".join(records)


def test_a_pull_that_breaks_off_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with pytest.raises(PhoneLostError):
        pull_file(Recorded([b"DATA\x04\0\0\0ne"]), "/there", target, 4, None)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@given(st.binary(max_size=200), PLACES)
def test_any_answer_is_a_result_or_a_plain_error(
    tmp_path_factory: pytest.TempPathFactory, answer: bytes, places: list[int]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    source = folder / "any-answer"
    source.touch()
    for ask in (
        lambda stream: stat_file(stream, "/x"),
        lambda stream: list_folder(stream, "/x"),
        lambda stream: pull_file(stream, "/x", folder / "any-answer-back", 0, None),
        lambda stream: push_file(stream, source, "/x", 0o600, None),
        lambda stream: run_command(stream, "x", 5.0),
    ):
        with contextlib.suppress(ShardloomError):
            ask(Recorded(cut(answer, places)))


@pytest.mark.parametrize("kind", [b"DATA", b"FAIL"])
def test_announced_sizes_beyond_the_protocol_are_refused(tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(PhoneLostError):
        pull_file(Recorded([kind + b"\xff\xff\xff\xff"]), "/x", tmp_path / "file", 0, None)
