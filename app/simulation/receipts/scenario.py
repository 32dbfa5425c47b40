"""One seed: phones that sign, partitions, deaths, losses and liars; what must hold after healing.

A receipt that two phones acknowledged is not lost while two phones are lost at once; no record is
lost while a phone that has it lives; what contradicts itself is found, the host's lies too.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from app.simulation.receipts.air import Air
from app.simulation.receipts.phones import KeepingPhone, SigningHost
from workers.protocol.between_phones.replica_messages import PutRecords
from workers.replicas.members import Placement
from workers.replicas.records import SignedRecord

HEAL_LIMIT_S: Final = 30.0
_DISTURBANCES: Final = (8, 20)


@dataclass(frozen=True)
class ReceiptsReport:
    """What came of a seed."""

    seed: int
    problems: tuple[str, ...]
    receipts: int
    lost_phones: int
    lies: int
    healed_s: float

    @property
    def line(self) -> str:
        """Say it in one line, which tells how to see it again."""
        outcome = "; ".join(self.problems) or "all holds"
        return f"python -m app.simulation --receipts --seed {self.seed}: {outcome}"


def run_receipts_seed(seed: int) -> ReceiptsReport:
    """Play one seed out in virtual time."""
    return _ReceiptsScenario(seed).play()


class _ReceiptsScenario:
    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = random = Random(seed)  # noqa: S311 - chance that repeats, no secret
        self._host = SigningHost(random)
        self._phones = [KeepingPhone(number, random) for number in range(random.randint(6, 12))]
        self._air = Air(self._phones, random, lost=random.choice((0.0, 0.02, 0.2)))
        self._living = list(self._phones)
        self._receipts: list[SignedRecord] = []
        self._lies: list[tuple[SignedRecord, SignedRecord]] = []
        self._signed = self._host.members(self._living)
        self._lost_phones = 0
        self._size = self._lied = 0

    def play(self) -> ReceiptsReport:
        """Disturb, heal, look."""
        self._tell_members()
        for _ in range(self._random.randint(*_DISTURBANCES)):
            self._happen()
            self._air.run(self._random.uniform(0.05, 6.0))
        healed_s = self._heal()
        problems = [*self._air.problems, *self._lost(), *self._unfound()]
        return ReceiptsReport(
            self._seed,
            tuple(problems),
            len(self._receipts),
            self._lost_phones,
            len(self._lies),
            healed_s,
        )

    def _happen(self) -> None:
        match self._random.choice(
            ("sign", "sign", "sign", "part", "join", "die", "cut", "lose", "lie", "host", "head")
        ):
            case "sign":
                self._sign()
            case "part":
                groups = {each.transport_key: self._random.randrange(3) for each in self._living}
                self._air.part(groups)
            case "join":
                self._air.part({})
            case "die":
                self._random.choice(self._living).node = None
            case "cut":
                phone = self._random.choice(self._living)
                phone.disk.cut_power()
                phone.restart(self._signed, self._air.now_s)
            case "lose":
                self._lose_two()
            case "lie":
                self._lie()
            case "host":
                self._host_lies()
            case "head":
                self._heads()

    def _sign(self) -> None:
        for phone in self._random.sample(self._living, k=3):
            if phone.node is not None:
                record = phone.receipt(self._host.public_key)
                phone.node.publish(record, self._air.now_s)
                self._air.flush(phone)
                self._receipts.append(record)

    def _lose_two(self) -> None:
        """Two phones are gone for good, at one moment; before and after all may heal."""
        if len(self._living) < 6 or self._lost_phones:
            return
        self._heal()
        gone = self._random.sample(self._living, k=2)
        self._sign()
        self._air.run(self._random.uniform(0.0, 0.3))
        stored = [each for each in self._receipts if self._is_stored(each)]
        for phone in gone:
            phone.node = None
            self._living.remove(phone)
        self._lost_phones += 2
        self._receipts = [each for each in self._receipts if each in stored or self._lives(each)]
        self._signed = self._host.members(self._living)
        self._tell_members()

    def _is_stored(self, record: SignedRecord) -> bool:
        signer = next(each for each in self._phones if each.public_key == record.signer)
        return signer.node is not None and signer.node.is_stored(record.digest)

    def _lives(self, record: SignedRecord) -> bool:
        return any(phone.disk.holds(record.digest) for phone in self._living)

    def _lie(self) -> None:
        """Let a phone sign two things and tell each to one keeper."""
        phone = self._random.choice(self._living)
        self._lied += 1
        sequence = 10_000 + self._lied
        if self._random.random() < 0.5:
            pair = tuple(phone.receipt(self._host.public_key, sequence=sequence) for _ in range(2))
        else:
            nonce = self._random.randbytes(16).hex()
            pair = tuple(phone.receipt(self._host.public_key, nonce=nonce) for _ in range(2))
        keepers = Placement(self._signed.members).keepers(phone.public_key)
        for keeper, record in zip(keepers, pair, strict=False):
            message = PutRecords((record.packed,), answer=True)
            self._air.send(phone.transport_key, keeper, message)
        self._air.run(0.1)
        if all(map(self._lives, pair)):
            self._lies.append((pair[0], pair[1]))

    def _host_lies(self) -> None:
        """Let the host tell some phones of one list of members and the others of another."""
        one, other = (
            self._host.members(self._living),
            self._host.members(self._living[1:], anew=False),
        )
        self._signed = one
        for place, phone in enumerate(self._living):
            if phone.node is not None:
                phone.node.set_members(one if place % 2 else other, self._air.now_s)
        pair = SignedRecord.of_members(one), SignedRecord.of_members(other)
        if all(map(self._lives, pair)):
            self._lies.append(pair)

    def _heads(self) -> None:
        """Let the host show two phones heads of one size with different roots."""
        self._size += 10
        pair = self._host.head(self._size), self._host.head(self._size)
        for phone, head in zip(self._random.sample(self._living, k=2), pair, strict=True):
            if phone.node is not None:
                phone.node.publish(head, self._air.now_s, at_once=False)
                self._air.flush(phone)
        if all(map(self._lives, pair)):
            self._lies.append(pair)

    def _heal(self) -> float:
        """Let all be there again; return how long it took until all keepers had all."""
        self._air.part({})
        self._signed = self._host.members(self._living)
        for phone in self._living:
            if phone.node is None:
                phone.restart(self._signed, self._air.now_s)
        self._tell_members()
        begin_s = self._air.now_s
        while self._air.now_s < begin_s + HEAL_LIMIT_S and not self._is_healed():
            self._air.run(0.5)
        return self._air.now_s - begin_s

    def _is_healed(self) -> bool:
        return not self._lost() and not self._unfound()

    def _tell_members(self) -> None:
        for phone in self._living:
            if phone.node is not None:
                phone.node.set_members(self._signed, self._air.now_s)

    def _lost(self) -> list[str]:
        """Return each receipt that some keeper of it does not have."""
        return [
            f"receipt {record.sequence} of {record.signer.hex()[:8]} lacks {len(missing)} keepers"
            for record in self._receipts
            if (missing := self._missing(record))
        ]

    def _missing(self, record: SignedRecord) -> list[KeepingPhone]:
        return [each for each in self._keepers(record.signer) if not each.disk.holds(record.digest)]

    def _unfound(self) -> list[str]:
        found = []
        for one, other in self._lies:
            pair = (one.signer, min(one.digest, other.digest), max(one.digest, other.digest))
            found += [
                f"a lie of {one.signer.hex()[:8]} was not found"
                for phone in self._keepers(one.signer)
                if phone.node is None or pair not in set(phone.node.kept.conflicts())
            ]
        return found

    def _keepers(self, signer: bytes) -> list[KeepingPhone]:
        keepers = Placement(self._signed.members).keepers(signer)
        return [phone for phone in self._living if phone.transport_key in keepers]
