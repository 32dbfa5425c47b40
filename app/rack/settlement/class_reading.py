"""Finding out of which classes nothing here reproduces what their phones multiply.

Of such a class no wrong product costs stake, so that the ledger has each of its receipts audited.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from app.core.errors import PhoneLostError, WorkerError
from app.core.identifiers import Serial
from app.ledger.ledger import Ledger
from app.ledger.rules.fifth_format import class_without_threads
from app.pipeline.stage import Stage
from app.proof.sharp.classes import is_reproduced
from app.rack.blocking import BlockingPool
from app.rack.layers.spans import Applied
from app.rack.ledger_thread import LedgerThread
from app.rack.phones.preparation import WORKER_THREADS
from app.rack.settlement.audit_cases import AUDIT_THREADS
from app.rack.settlement.sharp.replaying import canary
from workers.engine.processor import numerical_class

_log = logging.getLogger("shardloom.rack")


class ClassReader:
    """Asks a phone of each class that is new here for its canary. Lives on the service loop.

    This computer's own class is none to ask about: results of it are compared to the last bit.
    """

    def __init__(self, ledger_thread: LedgerThread, pool: BlockingPool) -> None:
        self._ledger_thread = ledger_thread
        self._pool = pool
        self._own = class_without_threads(numerical_class(AUDIT_THREADS))
        self._known: set[str] = set()
        self._asked: set[tuple[str, Serial]] = set()

    async def read(self, applied: Applied) -> None:
        """Put on record what classes of the phones at work come to, before they sign for more."""
        named = await self._ledger_thread.run(lambda ledger: _named(ledger, applied))
        for stage in applied.stages:
            name = named.get(stage.serial, "")
            foreign = bool(name) and class_without_threads(name) != self._own
            if foreign and name not in self._known and (name, stage.serial) not in self._asked:
                await self._ask(stage, name)

    async def _ask(self, stage: Stage, name: str) -> None:
        try:
            products = await canary(stage, WORKER_THREADS)
            reproduced = await self._pool.run(is_reproduced, products, name)
        except PhoneLostError:
            return
        except WorkerError as error:
            _log.info("%s does not show its canary: %s", stage.serial, error)
            reproduced = False
        self._asked.add((name, stage.serial))
        if reproduced:
            self._known.add(name)
        await self._ledger_thread.run(
            lambda ledger: ledger.trust.note_class(name, reproduced=reproduced)
        )


def _named(ledger: Ledger, applied: Applied) -> Mapping[Serial, str]:
    """Return the classes of phones at work that are not known to be reproduced."""
    named = {stage.serial: ledger.numerical_class(stage.serial) for stage in applied.stages}
    read = ledger.trust.is_class_reproduced
    return {serial: name for serial, name in named.items() if not read(name)}
