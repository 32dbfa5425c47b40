"""A writer killed at any moment loses nothing that it was told is written."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from ledger_support import Bench

from app.ledger.export import export_ledger
from app.ledger.keys import read_public_key
from app.ledger.verification import verify_ledger

ROUNDS = 6
WRITER = """
import sys
from pathlib import Path

from ledger_support import Bench

bench = Bench(Path(sys.argv[1]))
bench.register()
for number in range(10_000):
    name = f"{sys.argv[2]}-{number}"
    bench.begin(name)
    bench.sign_all(name)
    bench.ledger.settle(name, 3)
    print(bench.ledger.snapshot().entries, bench.ledger.snapshot().head_hash, flush=True)
"""


def acknowledged_until_killed(folder: Path, turn: int, lines: int) -> list[tuple[int, str]]:
    """Start a writer, kill it after so many acknowledgements, return all it gave."""
    search = os.pathsep.join([str(Path(__file__).parent), *sys.path])
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
