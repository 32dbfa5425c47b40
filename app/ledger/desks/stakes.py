"""What keepers order, and the stake that comes out once its time has come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.core.errors import LedgerError
from app.core.identifiers import Serial
from app.ledger.desks.recorder import EntryRecorder
from app.ledger.entry import EntryKind
from app.ledger.rules.governance.statement import SignedStatement
from app.ledger.rules.quotes.quote import Fill, PhoneState, price_of
from app.ledger.rules.stakes.keepers import (
    ORDER_FIELDS,
    QUOTE_ORDER,
    STAKE_ORDER,
    SUCCESSION,
    UNBOND_ORDER,
)

_ENTRIES: Final = {
    SUCCESSION: EntryKind.KEEPER_NAMED,
    STAKE_ORDER: EntryKind.EARNINGS_STAKED,
    UNBOND_ORDER: EntryKind.UNBONDING_BEGUN,
    QUOTE_ORDER: EntryKind.QUOTED,
}


class StakeDesk:
    """Takes keepers' orders. Used from one thread."""

    def __init__(self, recorder: EntryRecorder) -> None:
        self._recorder = recorder

    def name_keeper(self, serial: Serial, key: bytes) -> None:
        """Put on record who speaks for a phone that nobody spoke for: the operator's word."""
        known = self._recorder.state.phone(serial).keeper
        if known == key.hex():
            return
        if known:
            raise LedgerError("order.other_keeper", phone=serial)
        self._recorder.record(EntryKind.KEEPER_NAMED, {"serial": serial, "key": key.hex()})

    def order(self, kind: str, signed: SignedStatement) -> Serial:
        """Carry out what a keeper signed; return the phone that it is about.

        Raises `LedgerError` for what is no order, whose keeper did not sign it, or was given once.
        """
        if kind not in _ENTRIES:
            raise LedgerError("order.unknown", kind=kind, known=tuple(_ENTRIES))
        said = signed.read(kind, self._recorder.host_key, ORDER_FIELDS[kind])
        serial = Serial(str(said.get("serial")))
        fields = {"serial": serial, **signed.to_fields()}
        self._recorder.record(_ENTRIES[kind], fields)
        return serial

    def fills(self, states: Mapping[Serial, PhoneState]) -> tuple[Fill, ...]:
        """Return what is bought of phones in the states they are in, by their keepers' quotes.

        Nothing where one of them quotes nothing: a ring is bought whole.
        """
        economy = self._recorder.state.economy
        if not states or not all(serial in economy.quotes for serial in states):
            return ()
        return tuple(
            Fill(serial, price_of(economy.quote(serial), at.load, at.strain), at.load, at.strain)
            for serial, at in states.items()
        )

    def next_number(self, keeper: bytes) -> int:
        """Return the number that a keeper's next order may have."""
        return self._recorder.state.economy.orders.get(keeper.hex(), 0) + 1

    def end_unbonding(self) -> int:
        """Pay out the withdrawals whose time has come; return how many. None during a stop."""
        now_ms, state = self._recorder.wall_ms, self._recorder.state
        if state.economy.stopped_at(now_ms):
            return 0
        due = [
            phone.serial
            for phone in list(state.phones.values())
            for each in phone.unbonding
            if each.due_ms <= now_ms
        ]
        for serial in due:
            self._recorder.record(EntryKind.UNBONDING_ENDED, {"serial": serial})
        return len(due)
