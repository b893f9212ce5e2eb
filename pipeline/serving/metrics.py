"""What Prometheus is told of a server: requests, batches, models, the database.

A label has few values that are known before: no account, token or model version is one.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_LATENCY: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_DIFFERENCES: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


class ServingMetrics:
    """Counts what a server does."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "tens_insight_serve_requests",
            "Requests that were answered, by route and status.",
            ("route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "tens_insight_serve_request_seconds",
            "How long they took, without those to health and metrics.",
            ("route",),
            buckets=_LATENCY,
            registry=self.registry,
        )
        self.batches = Histogram(
            "tens_insight_serve_batch_size",
            "Requests that the database or the model was asked about at once.",
            ("of",),
            buckets=_SIZES,
            registry=self.registry,
        )
        self.cached = Counter(
            "tens_insight_serve_cache",
            "Accounts that were asked for as they are now, by whether the answer was known.",
            ("known",),
            registry=self.registry,
        )

        self.shadow_accounts = Counter(
            "tens_insight_serve_shadow_accounts",
            "Accounts that a model in shadow was asked about, by its role and whether it answered.",
            ("role", "outcome"),
            registry=self.registry,
        )
        self.shadow_dropped = Counter(
            "tens_insight_serve_shadow_dropped",
            "Accounts that no model in shadow was asked about, for lack of time.",
            registry=self.registry,
        )
        self.shadow_probability = Counter(
            "tens_insight_serve_shadow_probability",
            "Sum of the probabilities of these accounts, by a model in shadow and by the champion.",
            ("role", "by"),
            registry=self.registry,
        )
        self.shadow_difference = Histogram(
            "tens_insight_serve_shadow_difference",
            "How far a probability in shadow is from the champion's.",
            ("role",),
            buckets=_DIFFERENCES,
            registry=self.registry,
        )

    def tell_cached(self, known: bool) -> None:
        """Counts an account that was asked for."""
        self.cached.labels("yes" if known else "no").inc()

    def collect_from(self, collector: Collector) -> None:
        """Adds what is read when it is asked for."""
        self.registry.register(collector)

    def text(self) -> bytes:
        """Returns all of them as Prometheus text."""
        return generate_latest(self.registry)


class State(Collector):
    """Gauges and counters that are read from a server when they are asked for.

    Args:
        read: Returns name, help, value and whether it only rises, of each.
    """

    def __init__(self, read: Any):
        self._read = read

    def describe(self) -> Iterable[Metric]:
        """Says nothing in advance: values are read when they are asked for."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yields the present values."""
        for name, said, value, rises in self._read():
            kind = CounterMetricFamily if rises else GaugeMetricFamily
            yield kind(name, said, value=value)
