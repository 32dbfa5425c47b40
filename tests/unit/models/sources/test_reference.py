"""What a person types is a path or a name, and nothing else gets through."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInputError
from app.models.sources.reference import HubReference, parse_reference
from tests.saying import raises_saying


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Qwen/Qwen3-0.6B", HubReference("Qwen/Qwen3-0.6B")),
        ("hf:Qwen/Qwen3-0.6B", HubReference("Qwen/Qwen3-0.6B")),
        ("hf://Qwen/Qwen3-0.6B@v1.0", HubReference("Qwen/Qwen3-0.6B", "v1.0")),
        ("hf:gpt2", HubReference("gpt2")),
        ("a/b@refs/pr/3:q/x.gguf", HubReference("a/b", "refs/pr/3", "q/x.gguf")),
        ("a/b:Q4_K_M", HubReference("a/b", file="Q4_K_M")),
        ("https://huggingface.co/a/b", HubReference("a/b")),
        ("https://huggingface.co/a/b/tree/dev", HubReference("a/b", "dev")),
        (
            "https://huggingface.co/a/b/resolve/main/x.gguf?download=true",
            HubReference("a/b", file="x.gguf"),
        ),
    ],
)
def test_names_are_read(text: str, expected: HubReference) -> None:
    assert parse_reference(text) == expected


def test_what_lies_here_comes_before_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert parse_reference("a/b") == Path("a/b")
    assert parse_reference("hf:a/b") == HubReference("a/b")


@pytest.mark.parametrize("text", ["a/b/c", "../b", "a/..", "", "a/b@", "a b", "a/b@../x", "-a/b"])
def test_what_is_neither_is_refused_in_a_line(text: str) -> None:
    with raises_saying(BadInputError, "neither a file here nor a model's name"):
        parse_reference(f"hf:{text}")


@given(st.text(max_size=40))
def test_no_name_leads_out_of_the_cache(text: str) -> None:
    try:
        found = parse_reference(f"hf:{text}")
    except BadInputError:
        return
    assert isinstance(found, HubReference)
    parts = [*found.repository.split("/"), *found.revision.split("/")]
    assert not {"", ".", ".."} & set(parts)
    assert "\0" not in found.repository + found.revision
