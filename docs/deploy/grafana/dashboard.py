"""The Grafana dashboard of Tens-Insight, written with the types of Grafana's Foundation SDK.

`make dashboard` runs it in an environment of its own and keeps what it prints in
tens-insight.json, which Grafana imports. A test compares the two, and holds the metrics of every
expression against those that Tens-Insight has.
"""

import json
import sys

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    GraphDrawStyle,
    StackingMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
)

SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")
CHOSEN = 'instance=~"$instance"'
DAY = 86_400
GREEN, YELLOW, RED = "green", "yellow", "red"


def query(expression: str, legend: str = "") -> prometheus.Dataquery:
    """Returns a query; every {} of the expression becomes the choice of the installation."""
    return (
        prometheus.Dataquery().expr(expression.replace("{}", f"{{{CHOSEN}}}")).legend_format(legend)
    )


def limits(*steps: tuple[float, str], first: str = GREEN) -> dashboard.ThresholdsConfig:
    """Returns colours: the first one, and from each value on another."""
    found = [Threshold(value=None, color=first)]  # type: ignore[arg-type]
    found += [Threshold(value=value, color=color) for value, color in steps]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(found)


def number(
    title: str, expression: str, unit: str, colours: dashboard.ThresholdsConfig, legend: str = ""
) -> stat.Panel:
    """Returns a panel with the newest value."""
    return (
        stat.Panel()
        .title(title)
        .datasource(SOURCE)
        .unit(unit)
        .thresholds(colours)
        .color_mode(BigValueColorMode.BACKGROUND)
        .with_target(query(expression, legend).instant())
        .height(4)
        .span(4)
    )


def lines(title: str, unit: str, *queries: prometheus.Dataquery) -> timeseries.Panel:
    """Returns a panel with a line for each series."""
    panel = (
        timeseries.Panel()
        .title(title)
        .datasource(SOURCE)
        .unit(unit)
        .draw_style(GraphDrawStyle.LINE)
        .show_points(VisibilityMode.NEVER)
        .height(8)
        .span(12)
    )
    for one in queries:
        panel = panel.with_target(one)
    return panel


def is_it_well() -> list[stat.Panel]:
    """Returns the first row: numbers that are red where a person is needed."""
    return [
        number(
            "Age of the scores",
            'time() - tens_insight_publication_as_of_timestamp_seconds{output="scores",'
            f"{CHOSEN}}}",
            "s",
            limits((26 * 3600, YELLOW), (50 * 3600, RED)),
        ),
        number(
            "Since the last success",
            "time() - tens_insight_run_success_timestamp_seconds{}",
            "s",
            limits((26 * 3600, YELLOW), (8 * DAY, RED)),
            "{{kind}}",
        ),
        number(
            "Exit code of the last run",
            "tens_insight_run_exit_code{}",
            "none",
            limits((1, RED)),
            "{{kind}}",
        ),
        number(
            "Open alerts",
            "sum by (severity) (tens_insight_alerts{}) or vector(0)",
            "none",
            limits((1, RED)),
            "{{severity}}",
        ),
        number(
            "Age of the champion",
            "time() - tens_insight_champion_trained_timestamp_seconds{}",
            "s",
            limits((30 * DAY, YELLOW), (45 * DAY, RED)),
        ),
        number(
            "Free disk",
            "tens_insight_state_free_bytes{} / tens_insight_state_size_bytes{}",
            "percentunit",
            limits((0.1, YELLOW), (0.2, GREEN), first=RED),
        ),
    ]


def scores() -> list[timeseries.Panel]:
    """Returns the row of what was published, and of what became of it."""

    def auc(end: str, legend: str) -> prometheus.Dataquery:
        return query(f'tens_insight_model_performance{end}{{metric="auc",{CHOSEN}}}', legend)

    return [
        lines("Accounts by risk band", "short", query("tens_insight_accounts{}", "{{band}}"))
        .fill_opacity(20)
        .stacking(common.StackingConfig().mode(StackingMode.NORMAL)),
        lines("Mean probability", "percentunit", query("tens_insight_scores_mean_ratio{}")),
        lines(
            "AUC, estimated and as it came true",
            "none",
            auc("", "{{kind}}"),
            auc("_low", "{{kind}}, lower end"),
            auc("_high", "{{kind}}, upper end"),
        ),
        lines(
            "Alarms of the Monitor, refusals of the circuit breaker",
            "none",
            query("tens_insight_monitor_alarms{}", "alarms"),
            query("tens_insight_publication_refusals{}", "refusals of {{output}}"),
        ),
    ]


def runs() -> list[timeseries.Panel | bargauge.Panel]:
    """Returns the row of runs: how long they took, and who could be told."""
    return [
        lines("Duration", "s", query("tens_insight_run_duration_seconds{}", "{{kind}}")),
        bargauge.Panel()
        .title("Nodes of the last runs")
        .datasource(SOURCE)
        .unit("s")
        .with_target(
            query(
                "topk(12, tens_insight_run_node_duration_seconds{})", "{{kind}} {{node}}"
            ).instant()
        )
        .height(8)
        .span(12),
        lines(
            "Sinks that take what they are told",
            "none",
            query("tens_insight_sink_up{}", "{{sink}}"),
        ),
        lines("Database could be read", "none", query("tens_insight_database_up{}")),
    ]


def built() -> dashboard.Dashboard:
    """Returns the dashboard."""
    made = (
        dashboard.Dashboard("Tens-Insight")
        .uid("tens-insight")
        .tags(["tens-insight"])
        .refresh("1m")
        .time("now-30d", "now")
        .timezone("utc")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboard.DatasourceVariable("source").label("Source").type("prometheus"))
        .with_variable(
            dashboard.QueryVariable("instance")
            .label("Installation")
            .datasource(SOURCE)
            .query("label_values(tens_insight_build_info, instance)")
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .multi(True)
            .include_all(True)
        )
    )
    for title, panels in (("Is it well?", is_it_well()), ("Scores", scores()), ("Runs", runs())):
        made = made.with_row(dashboard.Row(title))
        for panel in panels:
            made = made.with_panel(panel)
    return made


if __name__ == "__main__":
    sys.stdout.write(json.dumps(built().build(), cls=JSONEncoder, indent=1, sort_keys=True) + "\n")
