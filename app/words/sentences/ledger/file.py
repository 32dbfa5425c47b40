"""What `app.ledger` says of a ledger's file, key, head and single entries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "entry.changed": message("Entry {entry} was changed after it was written."),
    "entry.does_not_follow": message("Entry {entry} does not follow the entry before it."),
    "entry.field_not_amount": message("Field '{field}' is not an amount."),
    "entry.field_not_hexadecimal": message("Field '{field}' is not hexadecimal."),
    "entry.field_not_number": message("Field '{field}' is not a number."),
    "entry.field_not_record": message("Field '{field}' is not a record."),
    "entry.field_not_records": message("Field '{field}' is not a list of records."),
    "entry.field_not_share": message("Field '{field}' is not from 0 to 1."),
    "entry.field_not_text": message("Field '{field}' is not text."),
    "entry.field_not_texts": message("Field '{field}' is not a list of texts."),
    "entry.field_not_truth": message("Field '{field}' is not true or false."),
    "entry.field_not_whole": message("Field '{field}' is not a whole number."),
    "entry.field_of_other_length": message("Field '{field}' is not {length} bytes long."),
    "entry.malformed": message("Entry {entry} is malformed."),
    "entry.missing": message("Entry {entry} is missing."),
    "entry.not_canonical": message("Entry {entry} is not canonical JSON."),
    "entry.not_json": message("Entry {entry} is not JSON: {reason}."),
    "entry.not_object": message("Entry {entry} is not a JSON object."),
    "entry.unknown_kind": message("Entry {entry} is of the unknown kind '{kind}'."),
    "evidence.changed": message("The evidence {name} was changed."),
    "evidence.judged_again": message(
        "Phones found wrong by evidence that convinces: {count}; by evidence that is not there:"
        " {left}."
    ),
    "evidence.of_other_work": message(
        "The evidence for stage {stage} of {transaction} convicts of something else."
    ),
    "evidence.without_judge": message("There is nobody here to judge evidence."),
    "evidence.none_there": message("The evidence {name} is not there, or no longer."),
    "evidence.let_go": message(
        "By evidence that was let go by rule, as the journal tells: {count}."
    ),
    "evidence.rule_out_of_bounds": message(
        "Evidence is kept for {days:,} days at most, and in {least:bytes} to {most:bytes}."
    ),
    "evidence.odd_names": message(
        "The journal tells of evidence by 1 to {most:,} digests, each of them once."
    ),
    "evidence.needed_yet": message(
        "A transaction that is not over may need this evidence: it is kept."
    ),
    "evidence.earlier_format": message(
        "How long evidence is kept is a rule of newer formats than {format}."
    ),
    "evidence.unwritten": message("The evidence could not be written: {reason}."),
    "head.none": message("The ledger has no signed head."),
    "head.other_entries": message("The signed head is over other entries."),
    "head.other_key": message("The head is not signed with this ledger's key."),
    "head.other_size": message(
        "The signed head covers {covered} entries, the journal has {entries}."
    ),
    "journal.cannot_hold": message("The journal cannot hold that: {reason}."),
    "journal.cannot_hold_type": message("The journal cannot hold a {type}."),
    "ledger.backed_up": message("{entries} entries are in {path}."),
    "ledger.writer_admitted": message("The key {key} may take over this ledger."),
    "ledger.cannot_open": message("The ledger {path} cannot be opened: {reason}."),
    "ledger.cannot_read": message("The ledger {path} cannot be read. {reason}"),
    "ledger.file_damaged": message("The file is damaged: {reason}."),
    "ledger.in_use": message("The ledger {path} is in use by another Shardloom."),
    "ledger.key_open_to_others": message("{path} is readable by others."),
    "ledger.key_unreadable": message("The ledger's key {path} cannot be read: {reason}."),
    "ledger.newer_format": message(
        "The ledger {path} was written by a newer Shardloom (format {format}, this one reads up to "
        "{known})."
    ),
    "ledger.no_ed25519_key": message("{path} is not an Ed25519 key."),
    "ledger.no_key": message("{path} is not the key of a ledger."),
    "ledger.no_ledger": message("{path} is not a ledger."),
    "ledger.other_balances": message("The balances are not what the journal adds up to."),
    "ledger.other_transfers": message("The transfers are not those of the journal."),
    "ledger.unreadable": message("The ledger {path} cannot be read: {reason}."),
    "ledger.unusable": message("The ledger {path} cannot be used. {reason}"),
    "ledger.copy_unwritten": message("The copy {path} could not be written: {reason}."),
    "ledger.file_is_there": message("{path} is there already."),
    "ledger.lease_held": message("The ledger {path} is written by another Shardloom on {holder}."),
    "ledger.read_failed": message("It cannot be read now: {reason}."),
    "ledger.unknown_place": message("A ledger cannot be kept in '{place}'."),
    "ledger.unwritten": message("The ledger could not be written: {reason}."),
    "snapshot.not_signed": message("The snapshot is not signed with this control centre's key."),
    "snapshot.other_journal": message("The snapshot is of another journal."),
    "snapshot.other_parts": message("Parts of the snapshot are missing or were changed."),
    "snapshot.unreadable": message("The snapshot cannot be read."),
    "storage.damaged_page": message("a page of it is damaged"),
    "storage.disk_full": message("the disk is full"),
    "storage.failed": message("{reason}"),
    "storage.gone": message("the database does not answer"),
    "storage.in_use": message("something else holds it"),
    "storage.interrupted": message("a write that was broken off has to be taken back first"),
    "storage.lease_lost": message("another Shardloom took over"),
    "storage.not_allowed": message("files beside it cannot be made or opened"),
    "storage.read_only": message("it may only be read"),
    "storage.written_by_another": message("somebody else wrote there"),
}
ADVICE: Final[Mapping[str, Message]] = {
    "ledger.lease_held": message("It may be opened 15 seconds after that one ended."),
    "ledger.key_open_to_others": message("Type: chmod 600 '{path}'"),
}
