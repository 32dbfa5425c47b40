"""Rules for who a phone is: a key proven for one serial number, one connection and this host.

In formats before the third the host's word was enough, and registering brought a stake. A rule
that is broken raises `LedgerError`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Self

from app.core.errors import LedgerError, reason_of
from app.ledger.entry import Entry, Fields, amount, octets, text
from app.ledger.rules.accounts import MINT, OPERATOR, Posting, post, stake_account
from app.ledger.rules.economy import STARTING_STAKE
from app.ledger.rules.state import Change, PhoneAccount, State
from workers.errors import ReceiptError
from workers.identity.identity import succession, verify_hello
from workers.identity.receipts import verify_signature
from workers.protocol.commands import NONCE_BYTES, SIGNATURE_BYTES

PROVEN_KEYS_FORMAT: Final = 3
"""From this format on a key is proven, a change of it signed by the old one, a stake granted."""


@dataclass(frozen=True)
class ProvenKey:
    """A phone's key, and its own signature over nonce, serial number, transport and host key."""

    public_key: bytes
    transport_key: str
    """CURVE, as Z85 text."""
    nonce: bytes
    proof: bytes
    succession: bytes = b""
    """The old key's signature, where this one takes its place."""

    def to_fields(self) -> dict[str, Any]:
        """Return it as an entry holds it."""
        fields = {
            "public_key": self.public_key.hex(),
            "transport_key": self.transport_key,
            "nonce": self.nonce.hex(),
            "proof": self.proof.hex(),
        }
        return {**fields, "succession": self.succession.hex()} if self.succession else fields

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Return the key in an entry. Raises `LedgerError`."""
        signed = "succession" in fields
        return cls(
            octets(fields, "public_key", 32),
            text(fields, "transport_key"),
            octets(fields, "nonce", NONCE_BYTES),
            octets(fields, "proof", SIGNATURE_BYTES),
            octets(fields, "succession", SIGNATURE_BYTES) if signed else b"",
        )

    def holds_for(self, serial: str, host_key: bytes) -> bool:
        """Tell whether its holder said all that in one signature, to the host with that key."""
        return verify_hello(
            self.public_key, self.nonce, serial, self.transport_key, host_key, self.proof
        )

    def check(self, serial: str, host_key: bytes) -> None:
        """Raise `LedgerError` where it does not hold."""
        if not self.holds_for(serial, host_key):
            raise LedgerError("ledger.key_unproven", phone=serial)


def registered(state: State, _entry: Entry, fields: Fields) -> Change:
    """Enter a phone with its key, without a stake: one key, one serial number."""
    serial = text(fields, "serial")
    if serial in state.phones:
        raise LedgerError("ledger.phone_known", phone=serial)
    if state.format < PROVEN_KEYS_FORMAT:
        return _registered_with_stake(state, serial, fields)
    key = ProvenKey.from_fields(fields)
    key.check(serial, state.host_key)
    _check_unused(state, key.public_key)
    phone = PhoneAccount(serial, key.public_key, text(fields, "numerical_class"), staked=0)
    return Change(phones=(phone,))


def changed(state: State, _entry: Entry, fields: Fields) -> Change:
    """Take note of a phone's new key or numerical class; stake and record stay.

    A new key is signed by the old one, unless the operator said that that one is lost.
    """
    phone = state.phone(text(fields, "serial"))
    public_key, numerical_class = octets(fields, "public_key", 32), text(fields, "numerical_class")
    same_key = public_key == phone.public_key and not phone.key_withdrawn
    if same_key and numerical_class == phone.numerical_class:
        raise LedgerError("ledger.phone_unchanged", phone=phone.serial)
    if state.format >= PROVEN_KEYS_FORMAT:
        key = ProvenKey.from_fields(fields)
        key.check(phone.serial, state.host_key)
        if not same_key:
            _check_succession(state, phone, key)
    former = phone.former_keys if same_key else phone.former_keys | {phone.public_key}
    phone = replace(
        phone,
        public_key=public_key,
        numerical_class=numerical_class,
        former_keys=former - {public_key},
        lost_keys=phone.lost_keys - {public_key},
        key_withdrawn=False,
    )
    return Change(phones=(phone,))


def key_withdrawn(state: State, _entry: Entry, fields: Fields) -> Change:
    """Keep the operator's word that a phone's key is lost: nothing signed with it counts now."""
    phone = state.phone(text(fields, "serial"))
    text(fields, "reason")
    if phone.key_withdrawn:
        raise LedgerError("ledger.key_withdrawn_already", phone=phone.serial)
    lost = phone.lost_keys | {phone.public_key}
    return Change(phones=(replace(phone, key_withdrawn=True, lost_keys=lost),))


def _registered_with_stake(state: State, serial: str, fields: Fields) -> Change:
    if amount(fields, "stake") != STARTING_STAKE:
        raise LedgerError("ledger.other_stake", phone=serial)
    grant = (
        Posting(f"grant:{serial}", MINT, OPERATOR, STARTING_STAKE),
        Posting(f"stake:{serial}", OPERATOR, stake_account(serial), STARTING_STAKE),
    )
    key, numerical_class = octets(fields, "public_key", 32), text(fields, "numerical_class")
    stake = STARTING_STAKE
    phone = PhoneAccount(serial, key, numerical_class, stake, granted=stake)
    return Change(grant, post(state.balances, state.transfers, grant), (phone,))


def _check_succession(state: State, phone: PhoneAccount, key: ProvenKey) -> None:
    if key.public_key != phone.public_key:
        _check_unused(state, key.public_key, but=phone.serial)
    if phone.key_withdrawn:
        return
    statement = succession(phone.serial, key.public_key, state.host_key)
    try:
        verify_signature(statement, key.succession, phone.public_key)
    except ReceiptError as error:
        reason = reason_of(error)
        raise LedgerError("ledger.key_change_unsigned", phone=phone.serial, reason=reason) from None


def _check_unused(state: State, public_key: bytes, but: str = "") -> None:
    for phone in state.phones.values():
        if phone.serial != but and public_key in (phone.public_key, *phone.former_keys):
            raise LedgerError("ledger.key_of_another", phone=phone.serial)
