"""What `app.rack` says of the rack as a whole, its layers, its paths and its home."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural, plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "balance.brought": message(
        "Since layers moved it is {after:figure} tok/s instead of {before:figure}; texts waited "
        "{stall:seconds}."
    ),
    "balance.charged": message("{phone} has power again"),
    "balance.cooled": message("{phone} has cooled down"),
    "balance.faster": message("{phone} is quicker again: {figure:.2f} times what its profile says"),
    "balance.heating": message("{phone} will soon be hot, {figure:.0f} °C now"),
    "balance.hot": message("{phone} is hot, {figure:.0f} °C"),
    "balance.joined": message("{phone} has come"),
    "balance.low": message("{phone}'s battery is low, {figure:.0f} %"),
    "balance.moves": message("Layers move: {causes:clauses}."),
    "balance.no_other": message(
        "Layers stay where they are though {causes:clauses}, for there is no other place: {reason}"
    ),
    "balance.proposed": message(
        "Layers are to move: {causes:clauses}. That would bring {gain:.0%} more. Apply it?"
    ),
    "balance.rested": message("{phone} may be itself again after a rest"),
    "balance.slower": message("{phone} takes {figure:.2f} times as long as its profile says"),
    "balance.worsened": message("the last move left only {figure:.0%} of the rate"),
    "balance.spares": message("Layers are to move: {causes:clauses}. Apply it?"),
    "command.cancelled": message("It was cancelled."),
    "command.failed": message("That did not work: {error}"),
    "home.in_use": message("Another Shardloom is using {folder}."),
    "home.unusable": message("{folder} cannot be used: {reason}."),
    "layers.held_again": message("{phone} holds its layers again."),
    "layers.moved": message("{moved:clauses}."),
    "layers.no_model": message("No model is chosen yet."),
    "layers.none_applied": message("No assignment could be applied."),
    "layers.none_requested": message("There is no assignment to apply yet."),
    "layers.now_one": message("{phone} now holds layer {layer}"),
    "layers.now_several": message("{phone} now holds layers {first}-{last}"),
    "layers.phone_came": message("{phone} is ready."),
    "layers.phone_lacks": message("{phone} needs {size:bytes} more."),
    "layers.phone_without": message("{phone} is ready. Re-plan to give it layers."),
    "layers.push_cancelled": message("The push was cancelled."),
    "layers.renewed": message("The assignment was renewed."),
    "path.by_a_server": message(
        "{phone} does not reach {receiver} by itself: {holder} passes on what it sends, unread."
    ),
    "path.by_this_computer": message(
        "{phone} does not reach {receiver} by itself: this computer passes on what it sends, "
        "unread."
    ),
    "path.direct_now": message("{phone} reaches {receiver} by itself now."),
    "path.no_wifi": message("{phone} has no Wi-Fi: its worker is reached through adb."),
    "path.tunnel_back": message("{phone}: a way through adb was removed by somebody; it is back."),
    "path.tunnel_removed": message(
        "{phone}: a way through adb was removed; another one is looked for."
    ),
    "path.wifi_silent": message(
        "{phone} does not answer on its Wi-Fi address: its worker is reached through adb."
    ),
    "rack.ended": message("{facts:sentences}"),
    "rack.late": message("The rack was still {phase} after {limit:.0f} s: {phones}."),
    "rack.late_without_phones": message(
        "The rack was still {phase} after {limit:.0f} s: no phone."
    ),
    "rack.left_out": message("Left out: {phone}"),
    "rack.more_untold": message("And {count} more."),
    "rack.no_model": message("No model is on the rack yet."),
    "rack.no_phone_here": message("No phone of this rack is here. {account:sentences}"),
    "rack.no_phone_ready": message("No phone of this rack is ready. {account:sentences}"),
    "rack.no_such_phone": message("This rack has no phone {phone}."),
    "rack.opening_failed": message(
        "Shardloom itself failed while opening the rack; the log says more ({reason})."
    ),
    "rack.simulated": plural(
        "{count} phone of this rack is simulated.", "{count} phones of this rack are simulated."
    ),
    "rack.simulated_for_want_of_phones": plural(
        "No phone is connected: this {count} phone is simulated.",
        "No phone is connected: these {count} phones are simulated.",
    ),
    "rack.still_stopping": message("The rack was still stopping after {limit:.0f} s."),
    "rack.stopped": message("The rack stopped."),
    "task.failed_and_ended": message(
        "{task:begin} failed unexpectedly ({error}); the log tells why. It ended."
    ),
    "task.failed_and_goes_on": message(
        "{task:begin} failed unexpectedly ({error}); the log tells why. It goes on."
    ),
    "worker.other_protocol": message(
        "The worker of {phone} does not speak protocol {protocol}: {reason}"
    ),
}
ADVICE: Final[Mapping[str, Message]] = {
    "home.in_use": message("Close it, or give --home."),
}
