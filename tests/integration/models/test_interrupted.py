"""An import killed without warning, as by a power cut."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from app.models.library import Library
from app.models.whole import run_whole
from tests.assignments import blocks

CONFIGURATION = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "vocab_size": 50,
    "max_position_embeddings": 32,
    "tie_word_embeddings": True,
}
IMPORT_AND_WAIT = """
import sys
from pathlib import Path
from app.core.facts import Fact
from app.models.library import Library

def wait_for_the_end(stage, done, total):
    if stage == Fact("block.layer", layer=2):
        print("layer 2", flush=True)
        sys.stdin.read()

Library(Path(sys.argv[1])).import_folder(Path(sys.argv[2]), "m", progress=wait_for_the_end)
"""


def write_checkpoint(folder: Path, seed: int) -> Path:
    generator = np.random.default_rng(seed)
    layer = {
        "self_attn.q_proj": (32, 32),
        "self_attn.k_proj": (16, 32),
        "self_attn.v_proj": (16, 32),
        "self_attn.o_proj": (32, 32),
        "mlp.gate_proj": (32, 32),
        "mlp.up_proj": (32, 32),
        "mlp.down_proj": (32, 32),
        "input_layernorm": (32,),
        "post_attention_layernorm": (32,),
    }
    shapes = {f"model.layers.{n}.{name}": shape for n in range(3) for name, shape in layer.items()}
    shapes |= {"model.embed_tokens": (50, 32), "model.norm": (32,)}
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIGURATION))
    tensors = {
        f"{name}.weight": generator.normal(0, 0.3, shape).astype(np.float32)
        for name, shape in shapes.items()
    }
    save_file(tensors, folder / "model.safetensors")
    return folder


def test_a_killed_import_harms_nothing_and_can_be_repeated(tmp_path: Path) -> None:
    home = tmp_path / "home"
    library = Library(home)
    before = library.import_folder(write_checkpoint(tmp_path / "old", seed=0), "m")
    answer = run_whole(before, library, [1, 2, 3], 10)
    new = write_checkpoint(tmp_path / "new", seed=1)
    with subprocess.Popen(
        [sys.executable, "-c", IMPORT_AND_WAIT, str(home), str(new)],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "layer 2\n"
        process.kill()
    reopened = Library(home)
    assert [each.manifest for each in reopened.models()] == [before]
    for blob in before.blobs_of(blocks(before, 0, 2)):
        reopened.store.verify(blob)
    assert run_whole(before, reopened, [1, 2, 3], 10) == answer
    after = reopened.import_folder(new, "m")
    assert after != before
    assert len(run_whole(after, reopened, [1, 2, 3], 10)) == 10
