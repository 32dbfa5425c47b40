"""Small placement problems, built by hand or drawn at random, and their brute-force answers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations

from hypothesis import strategies as st

from app.core.assignment import Assignment
from app.core.device import DeviceProfile, LinkProfile
from app.core.identifiers import HOST, BlobHash, Serial
from app.core.model import Blob, Block, BlockKind, ModelManifest
from app.placement.baselines import score
from app.placement.costs.footprint import RUNTIME_BYTES
from app.placement.prediction import Predictor
from app.placement.problem import Objective, Pin, PlacementProblem, Prediction
from tests.assignments import held, pinned, placed

MEGABYTE = 1_000_000


def blob(name: int, size_bytes: int) -> Blob:
    return Blob(BlobHash(f"{name:064x}"), size_bytes)


def model_of(
    layer_bytes: tuple[int, ...],
    embedding_bytes: int = 3 * MEGABYTE,
    head_bytes: int = 2 * MEGABYTE,
    *,
    tied: bool = False,
    kv_bytes_per_token: int = 100,
    hidden_size: int = 250,
) -> ModelManifest:
    """Return a model; with `tied` the head reads the embedding's file."""
    embedding = blob(0, embedding_bytes)
    head = embedding if tied else blob(1, head_bytes)
    blocks = [Block(0, BlockKind.EMBEDDING, (embedding,), 1000, 1, 0)]
    blocks += [
        Block(at, BlockKind.LAYER, (blob(at + 1, size),), size, 2 * size, kv_bytes_per_token)
        for at, size in enumerate(layer_bytes, start=1)
    ]
    blocks.append(Block(len(blocks), BlockKind.HEAD, (head,), head.size_bytes, 1, 0))
    return ModelManifest(
        name="toy",
        family="llama",
        quantization="f32",
        hidden_size=hidden_size,
        vocabulary_size=100,
        context_tokens=128,
        attention_heads=4,
        kv_heads=2,
        head_size=8,
        begin_token=1,
        end_tokens=(2,),
        blocks=tuple(blocks),
        tokenizer=None,
    )


def phone(
    name: str, memory_megabytes: float = 1000, gigabytes_per_second: float = 1.0, **more: float
) -> DeviceProfile:
    """Return a phone whose budget is that much beyond the runtime's own memory."""
    return DeviceProfile(
        serial=Serial(name),
        memory_budget_bytes=RUNTIME_BYTES + int(memory_megabytes * MEGABYTE),
        weight_bytes_per_second=gigabytes_per_second * 1e9,
        flops_per_second=1e10,
        step_overhead_s=more.get("step_overhead_s", 0.0005),
        active_watts=more.get("active_watts", 4.0),
    )


def problem_of(model: ModelManifest, *phones: DeviceProfile, **more: object) -> PlacementProblem:
    """Return a problem with alike links between all ends."""
    ends = [device.serial for device in phones] + [HOST]
    link = LinkProfile(latency_s=0.002, bytes_per_second=1e6)
    links = dict.fromkeys(permutations(ends, 2), link)
    settings: dict[str, object] = {"context_tokens": 128, "slots": 2, "links": links, **more}
    return PlacementProblem(model=model, devices=phones, **settings)  # type: ignore[arg-type]


def every_assignment(problem: PlacementProblem) -> Iterator[Assignment]:
    """Yield every assignment that the pins and `use_all` permit, memory left aside."""
    serials = [device.serial for device in problem.devices]
    layers = problem.model.layer_count
    for count in range(1, min(len(serials), layers) + 1):
        if problem.use_all and count != len(serials):
            continue
        for cuts in combinations(range(1, layers), count - 1):
            starts, ends = (0, *cuts), (*cuts, layers)
            for ring in permutations(serials, count):
                stages = tuple(
                    held(serial, first, end - 1)
                    for serial, first, end in zip(ring, starts, ends, strict=True)
                )
                assignment = placed(problem.model.name, layers, stages)
                if all(keeps(assignment, pin) for pin in problem.pins):
                    yield assignment


def keeps(assignment: Assignment, pin: Pin) -> bool:
    stage = assignment.stage_of(pin.serial)
    return (
        stage is not None
        and stage.first_layer <= pin.span.first
        and pin.span.last <= stage.last_layer
    )


def brute_force(problem: PlacementProblem) -> tuple[float | None, int]:
    """Return the best objective value among what fits (or None) and the least missing bytes."""
    predictor = Predictor(problem)
    predictions = [predictor.predict(assignment) for assignment in every_assignment(problem)]
    values = [score(one, problem.objective) for one in predictions if one.fits]
    return min(values, default=None), min(missing_bytes(one) for one in predictions)


def missing_bytes(prediction: Prediction) -> int:
    return sum(max(-stage.headroom_bytes, 0) for stage in prediction.stages)


@st.composite
def problems(draw: st.DrawFn, max_layers: int = 6, max_devices: int = 4) -> PlacementProblem:
    """Draw a problem with uneven layers, tight memory, uneven links, pins and `use_all`."""
    layers = draw(st.integers(1, max_layers))
    model = model_of(
        tuple(draw(st.integers(1, 9)) * MEGABYTE for _ in range(layers)),
        tied=draw(st.booleans()),
        kv_bytes_per_token=draw(st.sampled_from((0, 512))),
    )
    use_all = draw(st.booleans())
    count = draw(st.integers(1, min(max_devices, layers) if use_all else max_devices))
    phones = tuple(
        phone(
            f"phone-{at}",
            memory_megabytes=draw(st.integers(2, 40)),
            gigabytes_per_second=draw(st.integers(1, 20)) / 4,
            step_overhead_s=draw(st.integers(0, 30)) / 10_000,
            active_watts=draw(st.integers(1, 8)),
        )
        for at in range(count)
    )
    ends = [device.serial for device in phones] + [HOST]
    links = {
        pair: LinkProfile(draw(st.integers(0, 60)) / 10_000, draw(st.sampled_from((5e4, 5e5, 5e7))))
        for pair in permutations(ends, 2)
    }
    return problem_of(
        model,
        *phones,
        links=links,
        objective=draw(st.sampled_from([each for each in Objective if each != Objective.PRICE])),
        use_all=use_all,
        pins=draw(_pins(layers, count, use_all=use_all)),
    )


@st.composite
def _pins(draw: st.DrawFn, layers: int, count: int, *, use_all: bool) -> tuple[Pin, ...]:
    """Draw up to two pins that do not exclude each other and leave layers for the others."""
    wanted = draw(st.integers(0, 2 if min(layers, count) > 1 else 1))
    if wanted == 0:
        return ()
    serials = draw(st.permutations([Serial(f"phone-{at}") for at in range(count)]))
    edges = sorted(draw(st.sets(st.integers(0, layers - 1), min_size=wanted, max_size=wanted)))
    pins = [pinned(serial, edge, edge) for serial, edge in zip(serials, edges, strict=False)]
    spare = layers - len(pins) - (count - len(pins) if use_all else 0)
    grown = pins[-1]
    length = draw(st.integers(0, min(max(spare, 0), layers - grown.span.end)))
    pins[-1] = pinned(grown.serial, grown.span.first, grown.span.last + length)
    return tuple(pins)
