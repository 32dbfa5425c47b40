"""Failures that only this room can name."""

from __future__ import annotations

from app.core.errors import PhoneLostError, ShardloomError


class PhoneRefusedError(ShardloomError):
    """The phone answered, and said no: no space, no permission, no such file or command."""


class PhoneBusyError(PhoneLostError):
    """The phone is there, and something else has it: another adb server, another computer."""


class PhoneSilentError(PhoneLostError):
    """The phone said nothing in the time it was given; it may still be there."""


class NoServerError(PhoneLostError):
    """Nothing listens where an adb server was to be."""


class PairingError(ShardloomError):
    """A phone and this computer did not agree on a code; says what to do."""
