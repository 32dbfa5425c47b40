"""A writer killed at any moment loses nothing that it was told is written."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

from app.core.identifiers import Serial
from app.ledger.group_commit import commit_together
from app.ledger.journal.keys import read_public_key
from app.ledger.journal.verification import verify_ledger
from app.ledger.ledger import Ledger
from app.ledger.views.export import export_ledger
from tests.unit.ledger.support import Bench

ROUNDS = int(os.environ.get("SHARDLOOM_KILLS", "6"))
WRITER = """
import sys
from pathlib import Path

from tests.unit.ledger.support import Bench

bench = Bench(Path(sys.argv[1]))
bench.register()
for number in range(10_000):
    name = f"{sys.argv[2]}-{number}"
    bench.begin(name)
    bench.sign_all(name)
    bench.ledger.settle(name, 3)
    print(bench.ledger.snapshot().entries, bench.ledger.snapshot().head_hash, flush=True)
"""

GROUP_WRITER = """
import os, shutil, signal, sys
from pathlib import Path

from tests.unit.ledger.support import Bench

from app.ledger.group_commit import commit_together

folder = Path(sys.argv[1])
original = Bench(folder / "original")
original.register()
original.begin("t")
signed = [phone.receipt("t", stage) for stage, phone in enumerate(original.phones)]
stakes = [phone.serial for phone in original.phones]
original.ledger._store.close()


def group(ledger):
    receipts = [lambda ledger, each=each: ledger.record_receipt(*each) for each in signed]
    added = [lambda ledger, each=each: ledger.add_stake(each, 5) for each in stakes]
    return commit_together(ledger, [*receipts, *added])


def write_until(bench, statements, acknowledge):
    left = [statements]

    def count(_statement):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    bench.ledger._store._connection.set_trace_callback(count)
    outcomes = group(bench.ledger)
    assert all(outcome.error is None for outcome in outcomes)
    os.write(acknowledge, b"written")
    os.kill(os.getpid(), signal.SIGKILL)


for statements in range(1000):
    place = folder / str(statements)
    shutil.copytree(folder / "original", place)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        write_until(Bench(place), statements, writing)
    os.close(writing)
    acknowledged = os.read(reading, 100)
    os.close(reading)
    os.waitpid(child, 0)
    print(statements, acknowledged.decode() or "killed", flush=True)
    if acknowledged:
        break
"""


def acknowledged_until_killed(folder: Path, turn: int, lines: int) -> list[tuple[int, str]]:
    """Start a writer, kill it after so many acknowledgements, return all it gave."""
    search = os.pathsep.join([str(Path(__file__).parents[3]), *sys.path])
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(turn)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": search},
    ) as writer:
        assert writer.stdout is not None
        first = [writer.stdout.readline() for _ in range(lines)]
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.readlines()
    complete = [line.split() for line in (*first, *rest) if line.endswith("\n")]
    return [(int(entries), digest) for entries, digest in complete]


def test_every_acknowledged_entry_survives_sigkill_and_the_ledger_verifies(tmp_path: Path) -> None:
    acknowledged: dict[int, str] = {}
    pick = random.Random(1)  # noqa: S311 - not for secrets
    for turn in range(ROUNDS):
        written = acknowledged_until_killed(tmp_path, turn, pick.randint(1, 6))
        assert written
        acknowledged.update(written)
        entries = export_ledger(tmp_path / "ledger.db")["entries"]
        on_disk = {entry["sequence"]: entry["entry_hash"] for entry in entries}
        assert acknowledged.items() <= on_disk.items()
    bench = Bench(tmp_path)
    assert bench.verify().valid
    assert bench.ledger.snapshot().entries >= max(acknowledged)


def test_a_group_killed_at_any_statement_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    search = os.pathsep.join([str(Path(__file__).parents[3]), *sys.path])
    run = subprocess.run(
        [sys.executable, "-c", GROUP_WRITER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": search},
        check=True,
    )
    told = dict(line.split() for line in run.stdout.splitlines())
    original = verify_ledger(
        tmp_path / "original" / "ledger.db",
        read_public_key(tmp_path / "original" / "keys" / "host.pem"),
    )
    entries = {}
    for statements in told:
        bench = Bench(tmp_path / statements)
        entries[statements] = bench.ledger.snapshot().entries - original.entries
        assert bench.verify().valid
        bench.ledger.add_stake(bench.phones[0].serial, 1)
        bench.ledger.close()
        assert bench.verify().valid
    assert list(told.values()) == ["killed"] * (len(told) - 1) + ["written"]
    assert len(told) > 10
    assert set(entries.values()) == {0, 6}
    assert entries[max(told, key=int)] == 6


def _stake(serial: Serial, ledger: Ledger) -> None:
    ledger.add_stake(serial, 5)


def test_a_group_cut_off_at_any_byte_of_the_log_is_there_whole_or_not_at_all(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path / "cut")
    bench.register()
    before = bench.ledger.snapshot().entries
    serials = [phone.serial for phone in bench.phones]
    log = bench.path.with_name("ledger.db-wal")
    written = log.stat().st_size
    commit_together(
        bench.ledger,
        [partial(_stake, serial) for serial in serials * 20],
    )
    grown = log.read_bytes()
    copy, sizes = tmp_path / "copy.db", set()
    pick = random.Random(3)  # noqa: S311 - not for secrets
    cuts = (pick.randrange(written, len(grown)) for _ in range(30))
    for length in (written, len(grown) - 1, len(grown), *cuts):
        shutil.copy(bench.path, copy)
        copy.with_name("copy.db-wal").write_bytes(grown[:length])
        report = verify_ledger(copy, read_public_key(bench.key_path))
        assert report.valid, report.problem
        sizes.add(report.entries)
        copy.with_name("copy.db-shm").unlink(missing_ok=True)
    assert len(grown) > written
    assert sizes == {before, before + 60}


def test_after_a_power_cut_at_any_byte_of_the_log_a_shorter_ledger_verifies(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "cut")
    bench.register()
    bench.begin("t")
    bench.sign_all("t")
    log = bench.path.with_name("ledger.db-wal").read_bytes()
    copy = tmp_path / "copy.db"
    sizes = set()
    pick = random.Random(2)  # noqa: S311 - not for secrets
    for length in (0, len(log), *(pick.randrange(len(log)) for _ in range(60))):
        shutil.copy(bench.path, copy)
        copy.with_name("copy.db-wal").write_bytes(log[:length])
        report = verify_ledger(copy, read_public_key(bench.key_path))
        assert report.valid, report.problem
        sizes.add(report.entries)
        copy.with_name("copy.db-shm").unlink(missing_ok=True)
    assert {1, bench.ledger.snapshot().entries} <= sizes
    assert len(sizes) > 4
