"""Names and labels of the metrics, by Prometheus's own program."""

import re
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.telemetry import metrics
from pipeline.telemetry.metrics import METRICS, OTHER, Sample, render
from tests.programs import program

ODD = ('"', "\\", "a\nb", "ACC-1\u202e", "", "x" * 500, "'; DROP TABLE x", "é", "{}", "score ")


def values(text, name):
    """Returns the values of a metric by its labels."""
    families = {one.name: one for one in text_string_to_metric_families(text.decode())}
    return {tuple(one.labels.values()): one.value for one in families[name].samples}


def test_promtool_has_nothing_to_say_about_names_help_and_units():
    samples = [Sample(one, 0.5, tuple("score" for _ in one.labels)) for one in METRICS]
    text = render(samples)
    assert text.count(b"# TYPE") == len(METRICS)
    done = subprocess.run(
        [program("promtool"), "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_every_metric_ends_with_its_unit_and_belongs_to_us():
    assert len({one.name for one in METRICS}) == len(METRICS)
    for one in METRICS:
        assert one.name.startswith("tens_insight_")
        assert one.name.endswith(f"_{one.unit}") if one.unit else "seconds" not in one.name
        assert one.help.endswith(".")
        assert not {"account", "account_id", "model", "model_version", "run_id"} & {
            label.name for label in one.labels
        }


@pytest.mark.parametrize("odd", ODD)
def test_a_label_value_that_nobody_knows_is_other(odd):
    samples = [
        Sample(metrics.NODE_DURATION, 2.0, ("score", odd)),
        Sample(metrics.ROWS, 3.0, (odd,)),
    ]
    text = render(samples)
    assert values(text, metrics.NODE_DURATION.name) == {("score", OTHER): 2.0}
    assert values(text, metrics.ROWS.name) == {(OTHER,): 3.0}


def test_values_of_others_are_added_up_and_series_stay_few():
    bands = [Sample(metrics.ACCOUNTS, 1.0, (f"band {one}",)) for one in range(1000)]
    assert values(render(bands), metrics.ACCOUNTS.name) == {(OTHER,): 1000.0}
    nodes = [Sample(metrics.NODE_DURATION, 1.0, ("score", f"Node{one}")) for one in range(1000)]
    found = values(render(nodes), metrics.NODE_DURATION.name)
    assert len(found) == 65
    assert sum(found.values()) == 1000.0


def test_numbers_that_are_none_are_written_as_prometheus_has_them():
    text = render([Sample(metrics.MEAN, float("nan")), Sample(metrics.FREE, 1e15)])
    assert b"tens_insight_scores_mean_ratio NaN\n" in text
    assert values(text, metrics.FREE.name) == {(): 1e15}
    assert render([Sample(metrics.FREE, 1.0)], leave_out=[metrics.FREE]) == b""


def test_the_page_lists_every_metric(request):
    page = (request.config.rootpath / "docs/telemetry.md").read_text()
    shown = re.findall(r"^\| `(tens_insight_\w+)` \|", page, re.MULTILINE)
    assert shown == [one.name for one in METRICS]
