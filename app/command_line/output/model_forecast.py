"""Whether a model will fit, told before it is downloaded."""

from __future__ import annotations

from collections.abc import Sequence

from app.command_line.failures import complain
from app.command_line.rack_session import READY_TIMEOUT_S, found_rack, tell_left_out
from app.core.errors import DoesNotFitError
from app.core.model import ModelManifest
from app.models.configuration import Configuration
from app.models.families.registry import decoder_name
from app.models.formats.source import foreseen_family
from app.models.importing.forecast import forecast
from app.models.quantization.block_wise import Quantization
from app.placement.costs.footprint import footprint_of
from app.placement.problem import PlacementProblem
from app.rack.commands import Foresee
from app.rack.options import DEFAULT_CONTEXT_TOKENS, DEFAULT_SLOTS, RackOptions
from app.words.model_forecast import foresight_text, need_text, unforeseen_text
from workers.protocol.span_shape import RowForm

FORESIGHT_TIMEOUT_S = 60.0


def tell_forecast(
    name: str,
    configuration: Configuration,
    asked: tuple[Quantization, RowForm],
    rack: RackOptions | None,
) -> None:
    """Say on standard error what the model will need; with a rack, whether it fits there.

    `asked` are the forms of its weights and of its cache.

    Raises `BadInputError` for what cannot be imported at all, and `DoesNotFitError` where a rack is
    given that cannot hold it.
    """
    family, (chosen, cache_rows) = foreseen_family(configuration), asked
    if family is None:
        complain(unforeseen_text(decoder_name(configuration) or name))
        return
    forms = [chosen, *(form for form in Quantization if form is not chosen)]
    models = [forecast(name, family, form, cache_rows) for form in forms]
    if rack is None:
        needed = {model.quantization: needed_bytes(model) for model in models}
        complain(need_text(name, chosen.value, needed))
    else:
        _require_fit(models, rack)


def needed_bytes(model: ModelManifest) -> int:
    """Return the memory of all layers on one phone, with the usual slots and context."""
    context = min(DEFAULT_CONTEXT_TOKENS, model.context_tokens)
    problem = PlacementProblem(model, (), {}, context_tokens=context, slots=DEFAULT_SLOTS)
    return int(footprint_of(problem).span_bytes[0, model.layer_count])


def _require_fit(models: Sequence[ModelManifest], rack: RackOptions) -> None:
    with found_rack(rack) as session:
        snapshot = session.wait_until(lambda rack: rack.plan is not None, READY_TIMEOUT_S)
        tell_left_out(snapshot)
        wanted = session.control.do(Foresee(tuple(models)))
        foresights = wanted.result(FORESIGHT_TIMEOUT_S)
    complain(foresight_text(snapshot.rack_name, foresights))
    if foresights[0].plan is None:
        raise DoesNotFitError("import.does_not_fit", model=models[0].name)
