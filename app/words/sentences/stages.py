"""What `app.pipeline` and `app.rack` say of phones that fail along the ring of a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "offence.answered_for_another_step": message("answered for a step that is not under way"),
    "offence.answered_for_the_last": message("answered in the name of the last phone"),
    "offence.answered_wrongly": message("answered wrongly: {reason}"),
    "offence.did_not_sign": message("did not sign for its work"),
    "offence.floods": message("sends so much that its connection had to be closed"),
    "offence.goes_on_unasked": message("goes on without being asked"),
    "offence.deviates_too_often": message("deviates further than honest phones do"),
    "offence.of_doubted_class": message("belongs to a class whose judging is in doubt"),
    "offence.hid_its_grounds": message("did not show what its tokens rest on"),
    "offence.hid_its_inputs": message("did not show what it had computed with"),
    "offence.would_not_run_again": message("would not run its layers again"),
    "offence.resumed_unasked": message("went on from rows that it was not asked to"),
    "offence.says_too_much": message("says more than anybody asked it for"),
    "offence.signed_other_work": message("signed for other work than its own"),
    "offence.spoke_for_another": message("spoke in the name of another phone"),
    "offence.unreadable_message": message("sent a message that nobody can read: {reason}"),
    "offence.unwanted_token": message("chose a token where none was wanted"),
    "stage.admits_nobody": message("{phone} does not let others in: {reason}"),
    "stage.run_changed": message("Somebody in the ring changed how far it goes on by itself."),
    "stage.beyond_float16": message("The model's hidden states do not fit float16."),
    "stage.cannot_go_on": message("{phone} cannot go on: it gave no reason"),
    "stage.cannot_go_on_because": message("{phone} cannot go on: {reason}"),
    "stage.cannot_hold_layers": message("{phone} cannot hold its layers: {reason}"),
    "stage.cannot_reach": message(
        "{phone} reaches {receiver} neither by itself nor through this computer: {reason}"
    ),
    "stage.late": message("{phone} did not finish a step within {limit:.1f} s."),
    "stage.no_prompt": message("A prompt needs at least one token."),
    "stage.no_worker_answers": message("{phone} has no worker that answers."),
    "stage.numbers_without_bounds": message(
        "The model's numbers grew beyond all bounds on {phone}."
    ),
    "stage.offended": message("{phone} {offence}."),
    "stage.refused_request": message("{phone} did not take the request: {reason}"),
    "stage.rows_unusable": message("{receiver} cannot use what {sender} sent it: {reason}"),
    "stage.step_missing": message("{phone} got a later step than was due: {reason}"),
    "stage.silent": message("{phone} does not answer: {reason}"),
    "offence.token_not_allowed": message("chose a token that was not allowed"),
}
ADVICE: Final[Mapping[str, Message]] = {
    "stage.beyond_float16": message("Open the rack with --boundary f32."),
}
