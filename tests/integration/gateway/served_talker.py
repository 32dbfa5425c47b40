"""A rack of two virtual phones behind the gateway, with a model that talks and one of vectors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

from app.core.clock import SystemClock
from app.core.conversation import question
from app.gateway.access.keys import KeyStore
from app.gateway.context import GatewaySettings
from app.gateway.server import Gateway
from app.models.library import Library
from app.models.whole import run_whole
from app.placement.rebalancing.setting import Balancing
from app.rack.home import Home
from app.rack.options import RackOptions
from app.rack.service import RackService
from tests.integration.rack.support import PATIENCE, open_rack_of
from tests.unit.models.chat.chat_templates import CHATML
from tests.unit.models.families import write_family
from tests.unit.models.support import write_random

TALKER, VECTORS = "talker", "vectors"
ASKED = "In the beginning?"
MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": ASKED}]
TOKENS = 12
CONTEXT = 512


@dataclass(frozen=True)
class Served:
    """An open rack and its address."""

    rack: RackService
    address: str
    library: Library
    home: Home

    @property
    def client(self) -> OpenAI:
        return OpenAI(base_url=f"{self.address}/v1", api_key="any", max_retries=0, timeout=90)


@contextmanager
def serve_talker(folder: Path) -> Iterator[Served]:
    """Open the rack with a home in an empty folder, and serve it."""
    talker = write_random(folder / TALKER, max_position_embeddings=CONTEXT)
    (talker / "chat_template.jinja").write_text(CHATML)
    write_family(folder / VECTORS, "bert")
    home = Home(folder / "home")
    library = Library(home.folder)
    for name in (TALKER, VECTORS):
        library.import_folder(folder / name, name)
    options = RackOptions(
        home.folder,
        "virtual:2",
        TALKER,
        audit_rate=1.0,
        patience=PATIENCE,
        balancing=Balancing.OFF,
    )
    with open_rack_of(options) as rack:
        settings = GatewaySettings(home.ledger_file, "127.0.0.1", 0, load_models=True)
        gateway = Gateway(rack, KeyStore(home.keys, SystemClock()), settings, SystemClock())
        try:
            yield Served(rack, gateway.address, library, home)
        finally:
            gateway.close()


def expected_text(served: Served) -> str:
    """Return what the whole model answers in one plain session."""
    manifest = served.library.get(TALKER)
    template, tokenizer = (
        served.library.chat_template(manifest),
        served.library.tokenizer(manifest),
    )
    assert template is not None
    assert tokenizer is not None
    said = tokenizer.encode_rendered(template.render(question(ASKED)))
    return tokenizer.decode(run_whole(manifest, served.library, said, TOKENS))
