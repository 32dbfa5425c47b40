"""The weights of a layer of experts: a router, and each expert's matrices stacked in two."""

from __future__ import annotations

from app.core.errors import BadInputError
from app.models.configuration import Configuration
from app.models.families.interface import Dimensions, Part, Weight, WeightRole
from app.models.families.weights import EXPERTS_IN, EXPERTS_OUT, ROUTER, matrix
from app.models.graphs.experts import ExpertShape, Routing
from app.models.tensors import BIAS_SUFFIX

MAXIMUM_EXPERTS = 1024
"""More than any published model has."""


def expert_shape(configuration: Configuration, sizes: Dimensions, routing: Routing) -> ExpertShape:
    """Read how many experts there are, and how many a token chooses."""
    field = configuration.first_of("num_local_experts", "num_experts")
    known = configuration.dimension(field, maximum=MAXIMUM_EXPERTS)
    chosen = configuration.dimension("num_experts_per_tok")
    if chosen > known:
        raise BadInputError("family.experts_chosen", chosen=chosen, known=known)
    return ExpertShape(known, chosen, sizes.hidden_size, routing)


def routing_of(configuration: Configuration) -> Routing:
    """Return how choices count where the configuration says whether they are normalised."""
    is_normalised = configuration.flag("norm_topk_prob", default=False)
    return Routing.SHARES if is_normalised else Routing.SHARES_OF_ALL


def router(
    layer: int, source: str, shape: ExpertShape, *, bias: bool = False
) -> tuple[Weight, ...]:
    """Return the router named `source`; it stays float32, for a choice is all or nothing."""
    name = f"layer.{layer}.{ROUTER}"
    part = matrix(source, shape.count, shape.hidden_size)
    weights = (Weight(name, WeightRole.ROUTER, (part,)),)
    if not bias:
        return weights
    biases = Part(source + ".bias", (shape.count,))
    return (*weights, Weight(name + BIAS_SUFFIX, WeightRole.VECTOR, (biases,)))


def separate_experts(
    layer: int, source: str, names: tuple[str, str, str], shape: ExpertShape, inner_size: int
) -> tuple[Weight, ...]:
    """Return experts stored one by one under `source`; `names` are gate, up and down."""
    gate, up, down = names
    hidden = shape.hidden_size
    incoming = [
        matrix(f"{source}.{expert}.{name}", inner_size, hidden)
        for expert in range(shape.count)
        for name in (gate, up)
    ]
    outgoing = [
        matrix(f"{source}.{expert}.{down}", hidden, inner_size) for expert in range(shape.count)
    ]
    return expert_weights(layer, shape, tuple(incoming), tuple(outgoing))


def stacked_experts(
    layer: int, incoming: str, outgoing: str, shape: ExpertShape, inner_size: int
) -> tuple[Weight, ...]:
    """Return experts stored as two stacks of matrices, [experts, rows, columns]."""
    hidden = shape.hidden_size
    return expert_weights(
        layer,
        shape,
        (Part(incoming, (shape.count, 2 * inner_size, hidden), stacked=True),),
        (Part(outgoing, (shape.count, hidden, inner_size), stacked=True),),
    )


def expert_weights(
    layer: int, shape: ExpertShape, incoming: tuple[Part, ...], outgoing: tuple[Part, ...]
) -> tuple[Weight, ...]:
    """Return two weights that hold all experts, of which a token reads the chosen ones' share."""
    share = shape.chosen / shape.count
    return (
        Weight(f"layer.{layer}.{EXPERTS_IN}", WeightRole.MATRIX, incoming, read_share=share),
        Weight(f"layer.{layer}.{EXPERTS_OUT}", WeightRole.MATRIX, outgoing, read_share=share),
    )
