"""Why something was done, as the journal's entries name it: facts where it is one that we write.

Entries of earlier versions hold whole phrases instead; they are told as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from app.core.facts import Fact

NEVER_CONCLUDED: Final = "audit.never_concluded"
"""The reason of an audit that was due when its attempt was broken off."""
OTHERS_WRONG: Final = "tokens.others_wrong"
"""The reason of a roll-back to the tokens that were good."""
STARTED_ANEW: Final = "key.started_anew"
"""The reason of a withdrawn key: a phone that this computer runs lost its files."""
REMOVED_BY_OPERATOR: Final = "key.removed_by_operator"
"""The reason of a withdrawn key: the operator said so, or removed it with all that is ours."""
IN_WINDOW: Final = "stop.in_window"
"""The reason of an emergency stop that the window's button ordered."""
BY_KEEPERS: Final = "stop.by_keepers"
"""The reason of an emergency stop that keepers ordered without giving another."""
_NAMED: Final[Mapping[str, Fact]] = MappingProxyType(
    {
        "wrong-output": Fact("offence.wrong_output"),
        "forged-root": Fact("offence.forged_root"),
        "equivocation": Fact("offence.equivocation"),
        "false-capability": Fact("offence.false_capability"),
        "grounds-disowned": Fact("audit.grounds_disowned"),
        "inputs-disowned": Fact("audit.inputs_disowned"),
        "inputs-unusable": Fact("audit.inputs_unusable"),
        "needs outputs": Fact("audit.needs_outputs"),
        "other-shard": Fact("audit.other_shard"),
        "outputs-disowned": Fact("audit.outputs_disowned"),
        NEVER_CONCLUDED: Fact(NEVER_CONCLUDED),
        OTHERS_WRONG: Fact(OTHERS_WRONG),
        IN_WINDOW: Fact(IN_WINDOW),
        BY_KEEPERS: Fact(BY_KEEPERS),
        STARTED_ANEW: Fact(STARTED_ANEW),
        REMOVED_BY_OPERATOR: Fact(REMOVED_BY_OPERATOR),
        **{
            name: Fact(name)
            for name in (
                "audit.grounds_disowned",
                "audit.inputs_disowned",
                "audit.inputs_unusable",
                "audit.other_shard",
                "audit.outputs_disowned",
                "audit.too_little_left",
                "sharp.class_not_reproduced",
                "sharp.not_made",
                "sharp.not_proven",
                "sharp.opened_otherwise",
                "sharp.other_statement",
                "sharp.phone_gone",
                "sharp.phone_unable",
                "sharp.refused",
            )
        },
        "chosen-otherwise": Fact("sharp.chosen_otherwise"),
        "ends-elsewhere": Fact("sharp.ends_elsewhere"),
        "operator": Fact("sharp.operator"),
        "sharp.not_covered": Fact("sharp.not_covered_here"),
        "offence.hid_its_grounds": Fact("offence.hid_its_grounds"),
        "offence.hid_its_inputs": Fact("offence.hid_its_inputs"),
    }
)


def reason_named(name: object) -> Fact | str:
    """Return what an entry's reason stands for, or its own words where they are no name of ours.

    No rule says what is in the reason of an audit.
    """
    return _NAMED.get(str(name), str(name))


def reason_names() -> tuple[str, ...]:
    """Return every name that a reason of ours may have."""
    return tuple(_NAMED)
