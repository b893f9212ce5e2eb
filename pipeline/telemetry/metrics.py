"""The metrics of an installation: one list of names, units, labels and help texts.

All are gauges, read from records that last, as Prometheus advises for batch jobs: a moment is a
moment (seconds since 1970), of which PromQL makes an age. A label has few values that are known
before; no account, model version or run is one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from components.alerts.alert import KINDS as KINDS_OF_ALERTS
from components.alerts.alert import SEVERITIES
from components.registry.published_properties import CATEGORIES
from pipeline.runs.record import KINDS, STATES

OTHER: Final = "other"
"""Stands for every value of a label that is none of those that are known."""
SINKS: Final = ("textfile", "pushgateway", "ping", "openlineage_file", "openlineage_url")
PERFORMANCE: Final = ("auc", "pr_auc", "log_loss", "brier", "calibration_error")
_MOST: Final = 64
"""Values of a label whose values nobody lists; further ones are OTHER."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")


@dataclass(frozen=True)
class Label:
    """A label.

    Attributes:
        name: In Prometheus.
        values: All that it may be beside OTHER; None for names of a program, such as nodes.
    """

    name: str
    values: tuple[str, ...] | None = None

    def bounded(self, value: str) -> str:
        """Returns the value, or OTHER for one that it may not be."""
        known = _NAME.fullmatch(value) if self.values is None else value in self.values
        return value if known else OTHER


@dataclass(frozen=True)
class Metric:
    """A gauge.

    Attributes:
        name: In Prometheus, with the unit at its end where it has one.
        help: What it says.
        unit: seconds, bytes, or empty for a number or a ratio.
        labels: In the order of a sample's.
    """

    name: str
    help: str
    unit: str = ""
    labels: tuple[Label, ...] = ()


@dataclass(frozen=True)
class Sample:
    """A value of a metric, with the values of its labels in their order."""

    metric: Metric
    value: float
    labels: tuple[str, ...] = ()


_KIND: Final = Label("kind", KINDS)
_OUTPUT: Final = Label("output", ("scores", "areas"))
_SINK: Final = Label("sink", SINKS)

INFO: Final = Metric(
    "tens_insight_build_info",
    "Version of Tens-Insight that read these metrics; always 1.",
    labels=(Label("version"),),
)
COLLECTED: Final = Metric(
    "tens_insight_collected_timestamp_seconds", "When these metrics were read.", "seconds"
)
DATABASE_UP: Final = Metric(
    "tens_insight_database_up",
    "Whether the database could be read for these metrics; without it those of it are missing.",
)
ATTEMPT: Final = Metric(
    "tens_insight_run_attempt_timestamp_seconds",
    "When the newest attempt to run began.",
    "seconds",
    (_KIND,),
)
SUCCESS: Final = Metric(
    "tens_insight_run_success_timestamp_seconds",
    "When the newest run that came to its end as it should ended.",
    "seconds",
    (_KIND,),
)
STATE: Final = Metric(
    "tens_insight_run_state",
    "1 for the state of the newest attempt, 0 for all others.",
    labels=(_KIND, Label("state", STATES)),
)
EXIT_CODE: Final = Metric(
    "tens_insight_run_exit_code",
    "Exit code of the newest attempt that ended; missing where it was killed.",
    labels=(_KIND,),
)
DURATION: Final = Metric(
    "tens_insight_run_duration_seconds",
    "How long the newest attempt took that ended.",
    "seconds",
    (_KIND,),
)
NODE_DURATION: Final = Metric(
    "tens_insight_run_node_duration_seconds",
    "How long each node of the newest attempt took, of those that this state directory has.",
    "seconds",
    (_KIND, Label("node")),
)
NODE_FAILED: Final = Metric(
    "tens_insight_run_node_failed",
    "1 for the first node that failed in the newest attempt.",
    labels=(_KIND, Label("node")),
)
ROWS: Final = Metric(
    "tens_insight_publication_rows",
    "Rows that the newest publication wrote, such as accounts scored.",
    labels=(_OUTPUT,),
)
AS_OF: Final = Metric(
    "tens_insight_publication_as_of_timestamp_seconds",
    "The moment that the newest publication speaks of.",
    "seconds",
    (_OUTPUT,),
)
PUBLISHED: Final = Metric(
    "tens_insight_publication_timestamp_seconds",
    "When the newest publication was written.",
    "seconds",
    (_OUTPUT,),
)
REFUSED: Final = Metric(
    "tens_insight_publication_refusals",
    "How often the circuit breaker refused since the newest publication.",
    labels=(_OUTPUT,),
)
MEAN: Final = Metric(
    "tens_insight_scores_mean_ratio", "Mean probability of churn in the newest publication."
)
ACCOUNTS: Final = Metric(
    "tens_insight_accounts",
    "Rows of account_risk_scores by risk band.",
    labels=(Label("band", CATEGORIES),),
)
TRAINED: Final = Metric(
    "tens_insight_champion_trained_timestamp_seconds",
    "The day (UTC) up to which the model of the newest publication has learnt.",
    "seconds",
)
_MEASURED: Final = (
    Label("kind", ("realised", "partial", "estimated")),
    Label("metric", PERFORMANCE),
)
PERFORMANCE_VALUE: Final = Metric(
    "tens_insight_model_performance",
    "Performance of the publishing model by its newest publication that has one.",
    labels=_MEASURED,
)
PERFORMANCE_LOW: Final = Metric(
    "tens_insight_model_performance_low", "Lower end of its 95 % interval.", labels=_MEASURED
)
PERFORMANCE_HIGH: Final = Metric(
    "tens_insight_model_performance_high", "Upper end of its 95 % interval.", labels=_MEASURED
)
PERFORMANCE_AS_OF: Final = Metric(
    "tens_insight_model_performance_as_of_timestamp_seconds",
    "The moment that the scores speak of whose performance it is.",
    "seconds",
    _MEASURED,
)
ALARMS: Final = Metric(
    "tens_insight_monitor_alarms", "Alarms of the Monitor that the newest measured run has."
)
ALERTS: Final = Metric(
    "tens_insight_alerts",
    "Open alerts by kind and severity.",
    labels=(Label("alert", tuple(KINDS_OF_ALERTS)), Label("severity", SEVERITIES)),
)
FREE: Final = Metric(
    "tens_insight_state_free_bytes", "Free bytes where the state directory lies.", "bytes"
)
SIZE: Final = Metric(
    "tens_insight_state_size_bytes", "Size of the file system where it lies.", "bytes"
)
SINK_UP: Final = Metric(
    "tens_insight_sink_up", "Whether a sink took what it was given last.", labels=(_SINK,)
)
SINK_SUCCESS: Final = Metric(
    "tens_insight_sink_success_timestamp_seconds",
    "When a sink last took what it was given.",
    "seconds",
    (_SINK,),
)

METRICS: Final = (
    INFO,
    COLLECTED,
    DATABASE_UP,
    ATTEMPT,
    SUCCESS,
    STATE,
    EXIT_CODE,
    DURATION,
    NODE_DURATION,
    NODE_FAILED,
    ROWS,
    AS_OF,
    PUBLISHED,
    REFUSED,
    MEAN,
    ACCOUNTS,
    TRAINED,
    PERFORMANCE_VALUE,
    PERFORMANCE_LOW,
    PERFORMANCE_HIGH,
    PERFORMANCE_AS_OF,
    ALARMS,
    ALERTS,
    FREE,
    SIZE,
    SINK_UP,
    SINK_SUCCESS,
)
"""Every metric, in the order of the text."""


def render(samples: Iterable[Sample], leave_out: Iterable[Metric] = ()) -> bytes:
    """Returns samples as Prometheus text; metrics without a sample are left out.

    Args:
        samples: Of any metrics of METRICS.
        leave_out: Metrics of which nothing shall be said.
    """
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.metrics_core import GaugeMetricFamily
    from prometheus_client.registry import Collector

    by_metric = _by_metric(samples)
    left_out = {one.name for one in leave_out}

    class Found(Collector):
        def collect(self) -> Iterator[GaugeMetricFamily]:
            for metric in METRICS:
                found = by_metric.get(metric.name)
                if found and metric.name not in left_out:
                    names = [label.name for label in metric.labels]
                    family = GaugeMetricFamily(metric.name, metric.help, labels=names)
                    for labels, value in found.items():
                        family.add_metric(labels, value)
                    yield family

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Found())
    return bytes(generate_latest(registry))


def _by_metric(samples: Iterable[Sample]) -> Mapping[str, dict[tuple[str, ...], float]]:
    """Returns the values by metric and labels; values that share OTHER are added up."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for one in samples:
        values = found.setdefault(one.metric.name, {})
        labels = tuple(
            label.bounded(value) for label, value in zip(one.metric.labels, one.labels, strict=True)
        )
        if labels not in values and len(values) >= _MOST:
            labels = (OTHER,) * len(labels)
        is_other = OTHER in labels and OTHER not in one.labels
        values[labels] = one.value + (values.get(labels, 0.0) if is_other else 0.0)
    return found
