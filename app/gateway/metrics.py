"""What the address and the rack behind it have done, for Prometheus.

Names and base units by Prometheus' conventions; those of answers by OpenTelemetry's for generative
AI (`gen_ai.client.token.usage`, `gen_ai.server.time_to_first_token`), written as Prometheus does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.core.device import DeviceState
from app.gateway.answers.answer import Answer
from app.rack.snapshot import Phase, RackSnapshot

_SECONDS: Final = (0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)


class GatewayMetrics:
    """Counters of its own, and gauges read from the rack when somebody looks."""

    def __init__(self, snapshot: Callable[[], RackSnapshot], queue: Callable[[], int]) -> None:
        """`queue` tells how many wait for their turn."""
        self._registry = CollectorRegistry()
        self._registry.register(_RackCollector(snapshot, queue))
        self._http = Counter(
            "shardloom_http_requests",
            "HTTP requests answered",
            ["route", "status"],
            registry=self._registry,
        )
        self._answers = Counter(
            "shardloom_answers",
            "Answers that ended, by how sure they are",
            ["state"],
            registry=self._registry,
        )
        self._tokens = Counter(
            "gen_ai_client_token_usage_tokens",
            "Tokens read and written",
            ["gen_ai_token_type"],
            registry=self._registry,
        )
        self._first_token = Histogram(
            "gen_ai_server_time_to_first_token_seconds",
            "From asking the rack to the first token",
            buckets=_SECONDS,
            registry=self._registry,
        )

    def answered(self, route: str, status: int) -> None:
        """Count an HTTP request by the pattern of its path."""
        self._http.labels(route, str(status)).inc()

    def ended(self, answers: Sequence[Answer]) -> None:
        """Count answers that ended, or that nobody waits for any more."""
        for answer in answers:
            state = "cancelled" if answer.ended is None else answer.certainty.value
            self._answers.labels(state).inc()
            self._tokens.labels("output").inc(len(answer.tokens))
            if answer.ended is not None:
                self._tokens.labels("input").inc(answer.ended.prompt_tokens)
                if answer.ended.time_to_first_token_ms is not None:
                    self._first_token.observe(answer.ended.time_to_first_token_ms / 1000)

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self._registry)


class _RackCollector(Collector):
    """Gauges of the newest snapshot."""

    def __init__(self, snapshot: Callable[[], RackSnapshot], queue: Callable[[], int]) -> None:
        self._snapshot = snapshot
        self._queue = queue

    def collect(self) -> Iterable[Metric]:
        """Return how the rack looks now."""
        rack = self._snapshot()
        yield _states("shardloom_rack_phase", "1 for what the rack is doing", Phase, rack.phase)
        yield _gauge(
            "shardloom_requests_waiting", "Requests that wait for their turn", self._queue()
        )
        running = sum(not request.state.ended for request in rack.requests)
        yield _gauge("shardloom_requests_running", "Requests the rack works on", running)
        phones = GaugeMetricFamily("shardloom_phones", "Phones by state", labels=["state"])
        for state in DeviceState:
            phones.add_metric([state.value], sum(each.state is state for each in rack.phones))
        yield phones
        speed = rack.tokens_per_second or 0.0
        yield _gauge("shardloom_tokens_per_second", "Tokens of all texts now written", speed)
        if rack.ledger is not None:
            entries = rack.ledger.entries
            yield _gauge("shardloom_ledger_entries", "Entries of the ledger", entries)


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value=value)


def _states(name: str, what: str, every: type[Phase], now: Phase) -> Metric:
    family = GaugeMetricFamily(name, what, labels=["phase"])
    for phase in every:
        family.add_metric([phase.value], float(phase is now))
    return family
