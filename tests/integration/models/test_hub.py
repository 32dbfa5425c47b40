"""Models by name, from a hub on loopback: what is asked of it, what is kept, what is said."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gguf import GGMLQuantizationType

from app.core.errors import BadInputError, ShardloomError
from app.models.library import Library
from app.models.sources import hub as hub_module
from app.models.sources import hub_download, model_source
from app.models.sources.finding import find_source
from app.models.sources.hub import Hub
from app.models.sources.hub_errors import HubUnknownError, HubUnreachableError
from app.models.sources.reference import HubReference, parse_reference
from app.words.sentences import fact_text
from tests.hub_server import TOKEN, HubServer, Repository
from tests.saying import raises_saying
from tests.unit.models.gguf_files import stored_pair
from tests.unit.models.support import write_random

NAME = "owner/Tiny-Llama"
WEIGHTS = "model.safetensors"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return write_random(tmp_path / "checkpoint")


@pytest.fixture
def server(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with HubServer().running() as running:
        running.repositories[NAME] = Repository.of_folder(checkpoint)
        yield running


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def hub(server: HubServer, tmp_path: Path, pauses: list[float]) -> Hub:
    return Hub(server.endpoint, tmp_path / "cache", pause=pauses.append)


def fetched(hub: Hub, name: str = NAME) -> Path:
    return find_source(HubReference(name), hub).fetch(_ignore)


def _ignore(_file: str, _done: int, _total: int) -> None:
    """Tell nobody."""


def partial_files(hub: Hub) -> list[Path]:
    return list(hub.cache.glob("*/blobs/*.incomplete"))


def test_a_model_by_name_becomes_the_same_as_one_of_its_folder(
    hub: Hub, checkpoint: Path, home: Path
) -> None:
    library = Library(home)
    told: list[tuple[str, int, int]] = []
    source = find_source(HubReference(NAME), hub)
    assert source.name == "Tiny-Llama"
    configuration = source.configuration()
    assert configuration
    assert configuration.dimension("hidden_size") == 64
    folder = source.fetch(lambda *news: told.append(news))
    by_name = library.import_folder(folder, "m", "q8")
    assert by_name == library.import_folder(checkpoint, "m", "q8")
    done = [done for _, done, _ in told]
    assert done == sorted(done)
    assert told[-1][1] == told[-1][2] == sum(path.stat().st_size for path in checkpoint.iterdir())


def test_only_what_an_import_reads_is_downloaded(hub: Hub, server: HubServer) -> None:
    files = server.repositories[NAME].files
    files |= {
        "README.md": b"x",
        "pytorch_model.bin": bytes(1 << 20),
        "consolidated.safetensors": bytes(1 << 20),
        "modeling_tiny.py": b"import os",
        "onnx/model.onnx": bytes(1 << 20),
    }
    folder = fetched(hub)
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        WEIGHTS,
        "tokenizer.json",
    ]


def test_the_weights_of_an_index_come_all(tmp_path: Path, hub: Hub, server: HubServer) -> None:
    folder = write_random(tmp_path / "sharded", files=3)
    server.repositories["owner/sharded"] = Repository.of_folder(folder)
    assert len(list(fetched(hub, "owner/sharded").glob("*.safetensors"))) == 3
    del server.repositories["owner/sharded"].files["model-1.safetensors"]
    with raises_saying(BadInputError, "index names model-1.safetensors, which the repository"):
        fetched(hub, "owner/sharded")


def test_a_cut_connection_is_gone_on_with_where_it_was_cut(
    hub: Hub, server: HubServer, checkpoint: Path
) -> None:
    size = (checkpoint / WEIGHTS).stat().st_size
    server.troubles.cut_after_bytes = size // 3
    folder = fetched(hub)
    assert (folder / WEIGHTS).read_bytes() == (checkpoint / WEIGHTS).read_bytes()
    assert server.sent_bytes(WEIGHTS) == size
    assert len({one.range for one in server.gets(WEIGHTS)}) >= 3


def test_an_import_ended_in_the_middle_goes_on_there_the_next_time(
    hub: Hub, server: HubServer, checkpoint: Path
) -> None:
    content = (checkpoint / WEIGHTS).read_bytes()
    server.troubles.cut_after_bytes = len(content) // 2

    def cancel_in_the_weights(file: str, _done: int, _total: int) -> None:
        if file == WEIGHTS:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_source(HubReference(NAME), hub).fetch(cancel_in_the_weights)
    (partial,) = partial_files(hub)
    kept = partial.stat().st_size
    assert 0 < kept <= len(content) // 2
    server.troubles.cut_after_bytes = None
    source = find_source(HubReference(NAME), hub)
    assert source.missing_bytes() == len(content) - kept
    assert (source.fetch(_ignore) / WEIGHTS).read_bytes() == content
    assert [one.range for one in server.gets(WEIGHTS)][-1] == f"bytes={kept}-{len(content) - 1}"
    assert partial_files(hub) == []


def test_what_is_in_the_cache_is_not_downloaded_again(hub: Hub, server: HubServer) -> None:
    folder = fetched(hub)
    before = len(server.asked)
    source = find_source(HubReference(NAME), hub)
    assert source.missing_bytes() == 0
    assert source.fetch(_ignore) == folder
    assert all(one.method == "HEAD" for one in server.asked[before + 1 :])


def test_a_server_without_ranges_is_begun_anew_and_given_up_where_it_is_cut_again(
    hub: Hub, server: HubServer, checkpoint: Path, pauses: list[float]
) -> None:
    size = (checkpoint / WEIGHTS).stat().st_size
    server.troubles.ignores_ranges = True
    server.troubles.cut_after_bytes = size // 2
    with raises_saying(HubUnreachableError, "does not answer"):
        fetched(hub)
    assert pauses == [1.0, 2.0, 4.0]
    server.troubles.cut_after_bytes = None
    assert (fetched(hub) / WEIGHTS).stat().st_size == size


@pytest.mark.parametrize("trouble", ["flips_a_byte", "wrong_range"])
def test_bytes_that_are_not_the_ones_listed_are_refused_and_forgotten(
    hub: Hub, server: HubServer, trouble: str
) -> None:
    setattr(server.troubles, trouble, True)
    with raises_saying(ShardloomError, "arrived damaged|does not answer as a model hub does"):
        fetched(hub)
    setattr(server.troubles, trouble, False)
    assert all(path.stat().st_size == 0 for path in partial_files(hub))
    assert (fetched(hub) / WEIGHTS).is_file()


def test_an_unknown_model_is_told_with_names_like_it(hub: Hub) -> None:
    fetched(hub)
    with raises_saying(HubUnknownError, r"no model owner/tiny-llama.*Similar names: owner/Tiny"):
        find_source(HubReference("owner/tiny-llama"), hub)


def test_a_private_model_needs_the_token_and_the_store_never_sees_it(
    hub: Hub, server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.repositories[NAME].private = True
    with raises_saying(HubUnknownError, "or it is private and needs HF_TOKEN.$"):
        fetched(hub)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    fetched(hub)
    assert {one.token for one in server.asked if one.at_store} == {None}
    monkeypatch.setenv("HF_TOKEN", "hf_revoked")
    with raises_saying(BadInputError, "does not accept this token.*Check HF_TOKEN"):
        fetched(hub)


def test_a_gated_model_names_the_page_where_its_terms_are(hub: Hub, server: HubServer) -> None:
    server.repositories[NAME].gated = True
    with raises_saying(BadInputError, rf"accept its terms. Do so at {server.endpoint}/{NAME}"):
        fetched(hub)


def test_another_revision_is_refused_by_name(hub: Hub, server: HubServer) -> None:
    with raises_saying(BadInputError, f"no such revision: {NAME}@v9"):
        find_source(HubReference(NAME, "v9"), hub)
    server.repositories[NAME].revisions = ("main", "v9")
    assert find_source(HubReference(NAME, "v9"), hub).fetch(_ignore).is_dir()


def test_a_hub_that_is_asked_too_often_is_waited_for_within_reason(
    hub: Hub, server: HubServer, pauses: list[float]
) -> None:
    server.troubles.failing = [(429, {"Retry-After": "7"}), (503, {})]
    assert fetched(hub).is_dir()
    assert pauses == [7.0, 2.0]
    server.troubles.failing = [(429, {"Retry-After": "3600"})]
    with raises_saying(ShardloomError, "asked too often: it will answer again in 1 h"):
        fetched(hub)
    assert len(pauses) == 2


def test_without_the_hub_what_was_downloaded_is_taken_or_offered(
    hub: Hub, server: HubServer
) -> None:
    folder = fetched(hub)
    server.troubles.failing = [(500, {})] * 100
    source = find_source(HubReference(NAME), hub)
    assert source.fetch(_ignore) == folder
    assert source.name == "Tiny-Llama"
    assert source.note
    assert "What was downloaded before is taken." in fact_text(source.note)
    with raises_saying(HubUnreachableError, f"status 500.*from the cache: {NAME}"):
        find_source(HubReference("owner/other"), hub)


def test_a_download_that_is_not_whole_is_not_offered(hub: Hub, server: HubServer) -> None:
    files = server.repositories[NAME].files
    size = len(files[WEIGHTS])
    server.troubles.cut_after_bytes = size // 2
    server.troubles.ignores_ranges = True
    with pytest.raises(HubUnreachableError):
        fetched(hub)
    assert hub.cached() == ()
    server.troubles.failing = [(500, {})] * 100
    with raises_saying(HubUnreachableError, "status 500"):
        find_source(HubReference(NAME), hub)


def test_an_address_where_nobody_listens_is_told_at_once(tmp_path: Path) -> None:
    hub = Hub("http://127.0.0.1:9", tmp_path, pause=lambda _s: None)
    with raises_saying(HubUnreachableError, "hub at http://127.0.0.1:9 does not answer"):
        find_source(HubReference(NAME), hub)


def test_a_hub_that_never_answers_is_asked_once(
    hub: Hub, server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.troubles.mute = True
    monkeypatch.setattr(hub_module, "ANSWER_TIMEOUT_S", 0.3)
    with raises_saying(HubUnreachableError, "does not answer: timed out"):
        find_source(HubReference(NAME), hub)
    assert len(server.asked) == 1


def test_another_web_server_is_told_apart_from_a_hub(
    hub: Hub, server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Repository, "commit", "main")
    with raises_saying(HubUnreachableError, "not answer as a model hub does. Check HF_ENDPOINT"):
        find_source(HubReference(NAME), hub)
    server.troubles.failing = [(200, {"Content-Type": "text/html"})]
    with raises_saying(HubUnreachableError, "not answer as a model hub does"):
        find_source(HubReference(NAME), hub)


def test_a_full_disk_is_told_with_both_figures_before_anything_large_comes(
    hub: Hub, server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = find_source(HubReference(NAME), hub)
    free = shutil.disk_usage(hub.cache)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: free)
    with raises_saying(ShardloomError, "1.00 kB are free. Make room, or set HF_HOME"):
        source.fetch(_ignore)
    assert server.sent_bytes(WEIGHTS) == 0


def test_a_disk_without_room_for_all_parts_is_told_before_the_first(
    tmp_path: Path, hub: Hub, server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_random(tmp_path / "sharded", files=3)
    server.repositories["owner/sharded"] = Repository.of_folder(folder)
    source = find_source(HubReference("owner/sharded"), hub)
    room = hub_download.SPARE_BYTES + source.missing_bytes() - 1
    free = shutil.disk_usage(hub.cache)._replace(free=room)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: free)
    with raises_saying(ShardloomError, "are free. Make room, or set HF_HOME"):
        source.fetch(_ignore)
    assert {one.path for one in server.asked if one.path.endswith(".safetensors")} == set()
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: free._replace(free=room + 1))
    source.fetch(_ignore)


def test_a_disk_that_fills_up_in_the_middle_ends_the_download_with_a_line(
    hub: Hub, server: HubServer
) -> None:
    source = find_source(HubReference(NAME), hub)
    etag = source._files[-1].sha256  # type: ignore[attr-defined]
    (hub.cache / f"models--{NAME.replace('/', '--')}" / "blobs" / f"{etag}.incomplete").symlink_to(
        "/dev/full"
    )
    with raises_saying(ShardloomError, "model.safetensors could not be kept in .*: No space left"):
        source.fetch(_ignore)
    assert server.gets(WEIGHTS)


def test_two_programs_do_not_write_the_same_file(hub: Hub) -> None:
    def fetch_within(_file: str, _done: int, _total: int) -> None:
        with raises_saying(ShardloomError, "Another program is downloading owner/Tiny-Llama:"):
            fetched(Hub(hub.endpoint, hub.cache))

    folder = find_source(HubReference(NAME), hub).fetch(once(fetch_within, WEIGHTS))
    assert (folder / WEIGHTS).is_file()


def once(then: Callable[[str, int, int], None], file: str) -> Callable[[str, int, int], None]:
    seen: set[str] = set()

    def tell(name: str, done: int, total: int) -> None:
        if name == file and not seen:
            seen.add(name)
            then(name, done, total)

    return tell


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"README.md": b""}, "no weights that can be read: no model.safetensors and no GGUF file"),
        ({"adapter_config.json": b"{}", "adapter_model.safetensors": b""}, "is an adapter"),
        ({"pytorch_model.bin": b""}, "pytorch_model.bin is of a form that is not"),
        ({"a-Q4_0.gguf": b"1", "a-Q8_0.gguf": b"2"}, "several files.*Name one, as owner/x:a-Q4_0"),
        ({WEIGHTS: b"1"}, "has no config.json"),
    ],
)
def test_a_repository_without_weights_says_what_it_has(
    hub: Hub, server: HubServer, files: dict[str, bytes], message: str
) -> None:
    server.repositories["owner/x"] = Repository(files)
    with raises_saying(BadInputError, message):
        find_source(HubReference("owner/x"), hub).configuration()


def test_a_cache_folder_is_imported_as_the_model_it_holds(hub: Hub) -> None:
    snapshot = fetched(hub)
    wanted = parse_reference(str(snapshot.parent.parent))
    assert isinstance(wanted, Path)
    source = find_source(wanted)
    assert (source.name, source.fetch(_ignore)) == ("Tiny-Llama", snapshot)


def test_search_finds_models_by_words(hub: Hub, server: HubServer) -> None:
    server.repositories["owner/Other"] = Repository({})
    assert [model.repository for model in hub.search("tiny llama", 5)] == [NAME]
    server.troubles.failing = [(200, {})]
    with raises_saying(HubUnreachableError, "not answer as a model hub does"):
        hub.search("tiny", 5)


def test_names_that_lead_elsewhere_are_left_out(hub: Hub, server: HubServer) -> None:
    server.repositories[NAME].files |= {"../escape/config.json": b"{}", "/etc/config.json": b"{}"}
    listing = hub.listing(HubReference(NAME))
    assert {file.name for file in listing.files} == {"config.json", WEIGHTS, "tokenizer.json"}


def test_of_a_gguf_file_the_beginning_is_enough_to_look_at_it(
    hub: Hub, server: HubServer, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, file = stored_pair(tmp_path / "qwen3", "qwen3", GGMLQuantizationType.Q8_0)
    content = file.read_bytes()
    names = ("g-Q8_0.gguf", "g-Q4_0.gguf")
    server.repositories["owner/g"] = Repository(dict.fromkeys(names, content))
    monkeypatch.setattr(model_source, "FIRST_LOOK_BYTES", 1 << 10)
    source = find_source(HubReference("owner/g", file="Q8_0"), hub)
    configuration = source.configuration()
    assert configuration
    assert configuration.dimension("hidden_size") == 256
    looked_at = server.sent_bytes(names[0])
    assert looked_at < len(content) // 10
    assert source.missing_bytes() == len(content) - looked_at
    path = source.fetch(_ignore)
    assert server.sent_bytes(names[0]) == len(content)
    assert server.sent_bytes(names[1]) == 0
    library = Library(home)
    assert library.import_folder(path, "m", "q8") == library.import_folder(file, "m", "q8")
    server.troubles.failing = [(500, {})] * 100
    again = find_source(HubReference("owner/g", file="Q8_0"), hub)
    assert again.fetch(_ignore) == path
    assert again.name == "g-Q8_0"


def test_a_file_that_is_not_in_the_cache_is_not_taken_for_another(
    hub: Hub, server: HubServer, tmp_path: Path
) -> None:
    _, file = stored_pair(tmp_path / "qwen3", "qwen3", GGMLQuantizationType.Q8_0)
    names = ("g-Q8_0.gguf", "g-Q4_0.gguf")
    server.repositories["owner/g"] = Repository(dict.fromkeys(names, file.read_bytes()))
    find_source(HubReference("owner/g", file="Q8_0"), hub).fetch(_ignore)
    server.troubles.failing = [(500, {})] * 100
    with raises_saying(HubUnreachableError, "status 500.*from the cache: owner/g"):
        find_source(HubReference("owner/g", file="Q4_0"), hub)
