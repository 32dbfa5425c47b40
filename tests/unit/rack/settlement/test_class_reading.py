"""A class whose canary nothing reproduces is put on record before its phones sign for more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from app.core.errors import PhoneLostError, ShardloomError, WorkerError
from app.rack.blocking import BlockingPool
from app.rack.layers.spans import Applied
from app.rack.ledger_thread import LedgerThread
from app.rack.settlement.class_reading import ClassReader
from tests.unit.ledger.support import Bench
from workers.engine.processor import canary_products, class_digest, numerical_class
from workers.protocol.replay_commands import CanaryShown
from workers.protocol.wire import Tensor

HONEST = canary_products(1)
INVENTED = (*HONEST[:4], HONEST[4] * np.float32(1.01))


def named(products: tuple[Tensor, ...]) -> str:
    return f"CPU; invented; {class_digest(products)}"


class Scene:
    """A ledger with one phone of a class, and what that phone answers when it is asked."""

    def __init__(
        self, folder: Path, name: str, answer: tuple[Tensor, ...] | ShardloomError
    ) -> None:
        self.bench, self.answer, self.asked = Bench(folder), answer, 0
        phone = self.bench.phones[0]
        self.bench.ledger.register_phone(phone.serial, self.bench.proven(phone), name)
        stage = SimpleNamespace(serial=phone.serial, client=SimpleNamespace(call=self._call))
        self.applied = cast(Applied, SimpleNamespace(stages=(stage,)))
        thread = cast(LedgerThread, SimpleNamespace(run=self._run))
        self.reader = ClassReader(thread, cast(BlockingPool, SimpleNamespace(run=self._in_pool)))

    async def _call(self, _command: object, _limit_s: float) -> CanaryShown:
        self.asked += 1
        if isinstance(self.answer, ShardloomError):
            raise self.answer
        return CanaryShown(self.answer)

    async def _run(self, operation: Callable[[Any], Any]) -> Any:  # noqa: ANN401
        return operation(self.bench.ledger)

    async def _in_pool(self, operation: Callable[..., Any], *values: object) -> Any:  # noqa: ANN401
        return operation(*values)

    def read(self, name: str) -> bool | None:
        asyncio.run(self.reader.read(self.applied))
        asyncio.run(self.reader.read(self.applied))
        return self.bench.ledger.trust.is_class_reproduced(name)


@pytest.mark.parametrize(
    ("products", "answer", "reproduced"),
    [
        (HONEST, HONEST, True),
        (INVENTED, INVENTED, False),
        (HONEST, INVENTED, False),
        (INVENTED, HONEST, False),
        (INVENTED, WorkerError("worker.cannot_be_asked"), False),
    ],
)
def test_a_phone_is_asked_once_and_what_its_canary_tells_is_on_record(
    tmp_path: Path,
    products: tuple[Tensor, ...],
    answer: tuple[Tensor, ...] | ShardloomError,
    *,
    reproduced: bool,
) -> None:
    scene = Scene(tmp_path, named(products), answer)
    assert scene.read(named(products)) is reproduced
    assert scene.asked == 1


def test_who_is_gone_is_asked_again_and_this_computers_own_class_never(tmp_path: Path) -> None:
    gone = Scene(tmp_path / "gone", named(HONEST), PhoneLostError("phone.lost"))
    assert gone.read(named(HONEST)) is None
    assert gone.asked == 2
    own = Scene(tmp_path / "own", numerical_class(4), INVENTED)
    assert own.read(numerical_class(4)) is None
    assert own.asked == 0
