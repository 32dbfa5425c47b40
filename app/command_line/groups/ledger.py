"""The commands about the ledger, with their options."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from app.command_line.option_groups import Commands, add_command, add_group, add_json
from app.command_line.option_types import folder, not_negative, positive
from app.command_line.rack_arguments import add_rack

EXPORT_FORMATS: Final = ("json", "jsonl", "csv")


def add_ledger(commands: Commands) -> Commands:
    """Add the commands that check, show, copy and change the ledger; return where more may go."""
    actions = add_group(commands, "ledger", help="Check, show or export the ledger.")
    for command in (
        add_command(
            actions,
            "key",
            "ledger_key",
            help="Print the public key that others verify this ledger with.",
        ),
        add_command(
            actions,
            "show",
            "ledger_show",
            help="Show accounts, slashes and the newest entries.",
        ),
    ):
        add_json(command)
    export = add_command(
        actions, "export", "ledger_export", help="Print every entry, checked as it is read."
    )
    export.add_argument(
        "--format",
        choices=EXPORT_FORMATS,
        default=EXPORT_FORMATS[0],
        help="json: one object, with accounts and evidence; jsonl, csv: one entry a line",
    )
    add_json(export)
    _copies(actions)
    verify = add_command(
        actions,
        "verify",
        "ledger_verify",
        help="Replay the whole journal and say whether it is untouched.",
    )
    what = verify.add_mutually_exclusive_group()
    what.add_argument("--ledger", type=folder, metavar="FILE", help="a ledger of another home")
    what.add_argument(
        "--evidence",
        type=Path,
        metavar="FILE",
        help="instead say whether this evidence convicts a phone; needs nothing else",
    )
    verify.add_argument(
        "--key", metavar="PUBLIC", help="its host's public key (ledger key), or a file with it"
    )
    add_json(verify)
    _decisions(actions)
    _proofs(actions)
    _phones(actions)
    return actions


def _copies(actions: Commands) -> None:
    backup = add_command(
        actions,
        "backup",
        "ledger_backup",
        help="Copy the ledger as it is at this moment into a new file; it may be in use.",
    )
    backup.add_argument("file", type=folder, metavar="FILE")
    add_json(backup)
    follow = add_command(
        actions, "follow", "ledger_follow", help="Print entries as they are written, until Ctrl-C."
    )
    add_json(follow)
    admit = add_command(
        actions,
        "admit-writer",
        "ledger_admit_writer",
        help="Let another control centre take over a shared ledger when this one does not write.",
    )
    admit.add_argument("key", metavar="PUBLIC", help="its public key, or a file with it")


def _proofs(actions: Commands) -> None:
    proof = add_command(
        actions,
        "proof",
        "ledger_proof",
        help="Write a file that proves to others what was asked, answered and signed for.",
    )
    proof.add_argument("request", metavar="REQUEST", help="its identifier (run --json, receipts)")
    proof.add_argument("--out", metavar="FILE", required=True)
    add_json(proof)
    check = add_command(
        actions, "check", "ledger_check", help="Say what such a file shows; needs nothing else."
    )
    check.add_argument("file", metavar="FILE")
    check.add_argument(
        "--key", metavar="PUBLIC", required=True, help="the ledger's public key, or a file with it"
    )
    add_json(check)


def _phones(actions: Commands) -> None:
    compare = add_command(
        actions,
        "discrepancies",
        "ledger_discrepancies",
        help="Compare the journal with the receipts that phones keep for each other.",
    )
    add_rack(compare)
    compare.add_argument(
        "--out", type=Path, metavar="FILE", help="write both sides of each contradiction"
    )
    add_json(compare)


def _decisions(actions: Commands) -> None:
    withdraw = add_command(
        actions,
        "withdraw-key",
        "ledger_withdraw_key",
        help="Say that a phone's key is lost: the next one it proves takes its place.",
    )
    withdraw.add_argument("serial", metavar="PHONE")
    confirm = add_command(
        actions,
        "confirm-class",
        "ledger_confirm_class",
        help="Say that phones of a class in doubt are judged rightly: blame counts again.",
    )
    confirm.add_argument("name", metavar="NAME", help="The class, or how its name ends.")
    keep = add_command(
        actions,
        "keep-evidence",
        "ledger_keep_evidence",
        help="Say how long evidence is kept, or print it; what an open matter needs always is.",
    )
    keep.add_argument("--days", type=not_negative, metavar="DAYS", help="0: for ever")
    keep.add_argument("--megabytes", type=positive(int), metavar="MB", help="of all files together")
    add_json(keep)
    stake = add_command(
        actions, "stake", "ledger_stake", help="Put up a stake for a phone, in whole credits."
    )
    stake.add_argument("serial", metavar="PHONE")
    stake.add_argument("credits", type=positive(int), metavar="CREDITS")
