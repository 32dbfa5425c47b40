"""What `app.placement` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural, plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "assignment.phone_unknown": message("{phone} is not in this rack."),
    "pin.layer_twice": message("Layer {layer} is pinned to both {one} and {other}."),
    "pin.layers_beyond": message(
        "{phone} is pinned to layers {first}-{last}, but the model has layers 0-{last_of_model}."
    ),
    "pin.other_chain": message(
        "{phone} is pinned to layers of the {asked}, which the model does not have."
    ),
    "pin.phone_unknown": message("{phone} is pinned but is not in this rack."),
    "pin.unkept": message("No arrangement of these phones keeps all the pins."),
    "condition.all": message('"every phone has a layer"'),
    "condition.excluded": message('"left out: {phones}"'),
    "condition.pin": message('"{phone} holds layers {first}-{last}"'),
    "condition.private": message('"private, first and last layers only on {phones}"'),
    "condition.private_of_none": message(
        '"private, first and last layers only on trusted phones, of which none is here"'
    ),
    "condition.battery": message(
        '"{least} % of battery where it drains, which leaves out {phones}"'
    ),
    "condition.heat": message('"at most {most:g} °C, which leaves out {phones}"'),
    "condition.reputation": message('"a reputation of {least:g}, which leaves out {phones}"'),
    "condition.standard": message('"the standard, whose rules leave out {phones}"'),
    "condition.breach_standard": message(
        "{phone} breaks rules of the standard that such layers need: {rules}."
    ),
    "condition.breach_excluded": message("{phone} is to hold no layers."),
    "condition.breach_private": message(
        "{phone} would see prompt or answer, and is not among the trusted phones."
    ),
    "condition.breach_battery": message("{phone} drains and has less than {least} % left."),
    "condition.breach_heat": message("{phone} is warmer than {most:g} °C."),
    "condition.breach_reputation": message("{phone} has less reputation than {least:g}."),
    "placement.one_chain_only": message(
        "The LinguaLinked program places models of one chain; choose another method."
    ),
    "placement.too_few_for_chains": message(
        "Encoder and decoder need a phone each: {chains} phones at least."
    ),
    "placement.conflict": message(
        "No plan places {model} and keeps all that is asked of it: {wishes}."
    ),
    "planning.no_answer": message("The planner ended {tries} times without an answer."),
    "planning.too_many": message("{limit} questions wait for the planner already."),
    "placement.link_unmeasured": message(
        "The link from {sender} to {receiver} has no measured speed."
    ),
    "placement.manual_not_planned": message("A manual assignment is made by hand, not planned."),
    "placement.price_by_search_only": message(
        "The LinguaLinked program buys nothing; choose another method for the least price."
    ),
    "placement.no_layers": message("Model {model} has no layers to place."),
    "placement.no_phone": message("There is no phone to place the model on."),
    "placement.phone_twice": message("The same phone is listed twice."),
    "placement.program_infeasible": message(
        "The linear program has no solution: the model does not fit."
    ),
    "placement.program_late": message("The linear program found no placement within {limit:g} s."),
    "placement.speed_unknown": message("{phone} has no measured speed: probe it again."),
    "placement.too_few_layers_free": message(
        "The pins leave {free} layers for {waiting} other phones."
    ),
    "placement.too_many_phones": message(
        "{phones} phones cannot all have a layer: the model has {layers}."
    ),
    "assignment.of_another_model": message(
        "The assignment is for {found}, model {model} has {wanted}."
    ),
    "chain.length": plural("{count} {chain} layer", "{count} {chain} layers"),
    "placement.one_lacks": message("{model} needs {size:bytes} more memory on {phone}."),
    "placement.one_lacks_at_most": message(
        "{model} needs up to {size:bytes} more memory on {phone}."
    ),
    "placement.several_lack": plural(
        "{model} needs {size:bytes} more memory across {count} phone.",
        "{model} needs {size:bytes} more memory across {count} phones.",
    ),
    "placement.several_lack_at_most": plural(
        "{model} needs up to {size:bytes} more memory across {count} phone.",
        "{model} needs up to {size:bytes} more memory across {count} phones.",
    ),
}
_SHARE: Final = message(
    "Where you know that a phone has more, `--memory-share PHONE=SHARE` gives layers more of it."
)
ADVICE: Final[Mapping[str, Message]] = {
    "placement.one_lacks": _SHARE,
    "placement.one_lacks_at_most": _SHARE,
    "placement.several_lack": _SHARE,
    "placement.several_lack_at_most": _SHARE,
}
