"""LinguaLinked's way to decode, built for comparison: it tells the tokens of the whole model."""

from __future__ import annotations

import threading
from pathlib import Path

import zmq

from app.benchmarks.paper.ring import PaperRing
from app.benchmarks.paper.stage import serve
from app.benchmarks.stages.random_model import LlamaSize, write_random_llama
from app.models.library import Library
from app.models.shards import span_shape
from app.models.whole import WholeModel
from workers.engine.engine import ShardEngine
from workers.protocol.chain import Span

TINY = LlamaSize(layers=3, hidden_size=64, inner_size=96, heads=4, kv_heads=2, vocabulary_size=128)


def test_stages_that_ask_each_other_tell_the_tokens_of_the_whole_model(tmp_path: Path) -> None:
    library = Library(tmp_path)
    model = library.import_folder(write_random_llama(tmp_path / "checkpoint", TINY), "tiny")
    context = zmq.Context[zmq.Socket[bytes]]()
    feed, logits = context.socket(zmq.REP), context.socket(zmq.REQ)
    feed.bind("inproc://0")
    threads = []
    for number, (first, end) in enumerate(((0, 1), (1, 3)), 1):
        shard = library.shard(model, Span(model.chains[0].name, first, end))
        shape = span_shape(model, shard, 32, 1)
        engine = ShardEngine(library.store.path(shard.graph.sha256), shape, 1)
        requests, answers = context.socket(zmq.REQ), context.socket(zmq.REP)
        answers.bind(f"inproc://{number}")
        requests.connect(f"inproc://{number - 1}")
        threads.append(threading.Thread(target=serve, args=(engine, shape, requests, answers)))
    for thread in threads:
        thread.start()
    logits.connect("inproc://2")
    ring, text, whole = PaperRing(feed, logits), [5, 7, 11, 13], list[int]()
    for _ in range(6):
        whole.append(int(WholeModel(model, library).step(text, 0).argmax()))
        assert ring.next_token(text) == whole[-1]
        text.append(whole[-1])
    ring.end()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    context.destroy(0)
