"""Rules and dashboard speak of metrics that there are, and the runbook has what they link to."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipeline.telemetry.metrics import METRICS

ROOT = Path(__file__).parents[3]
RULES = yaml.safe_load((ROOT / "docs/deploy/prometheus/tens-insight.rules.yaml").read_text())
TESTS = (ROOT / "docs/deploy/prometheus/tens-insight.rules.test.yaml").read_text()
GRAFANA = ROOT / "docs/deploy/grafana"
KNOWN = {one.name: one for one in METRICS}
EVERY_RULE = [rule for group in RULES["groups"] for rule in group["rules"]]
ALERTS = [rule for rule in EVERY_RULE if "alert" in rule]
RECORDED = {rule["record"] for rule in EVERY_RULE if "record" in rule}
NAME = re.compile(r"(?:instance:)?tens_insight_\w+(?::\w+)?")


def labels_of(expression):
    """Returns each metric with the labels that a selector behind it names."""
    for found in re.finditer(rf"({NAME.pattern})(?:{{([^}}]*)}})?", expression):
        yield found[1], re.findall(r"(\w+)\s*(?:=|!)~?", found[2] or "")


def require_known(expression):
    for name, labels in labels_of(expression):
        if name in RECORDED:
            continue
        assert name in KNOWN, f"{name} in {expression}"
        own = {label.name for label in KNOWN[name].labels} | {"instance", "job"}
        assert set(labels) <= own, f"{labels} of {name}"


def test_every_rule_speaks_of_metrics_that_there_are():
    assert len(ALERTS) > 10
    for rule in EVERY_RULE:
        assert NAME.search(rule["expr"])
        require_known(rule["expr"])


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_waits_has_a_severity_a_link_and_a_test(rule):
    assert rule["for"]
    assert rule["labels"]["severity"] in ("warning", "critical", "{{ $labels.severity }}")
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    text = (ROOT / page).read_text()
    if "{{" not in anchor:
        assert re.search(rf'^#+ {anchor}$|id="{anchor}"', text, re.MULTILINE), anchor
    assert f"alertname: {rule['alert']}" in TESTS


def test_every_expression_of_the_dashboard_speaks_of_metrics_that_there_are():
    board = json.loads((GRAFANA / "tens-insight.json").read_text())
    targets = [target for panel in board["panels"] for target in panel.get("targets", ())]
    assert len(targets) > 15
    for target in targets:
        assert NAME.search(target["expr"])
        require_known(target["expr"])
    (query,) = (one["query"] for one in board["templating"]["list"] if one["type"] == "query")
    require_known(query)


def test_the_dashboard_is_what_its_code_makes():
    """The types of Grafana's SDK, in an environment of its own: it needs Python 3.11."""
    uv = shutil.which("uv", path=os.path.dirname(sys.executable)) or shutil.which("uv")
    command = (ROOT / "Makefile").read_text().split("\ndashboard:")[1].split("\n\n")[0]
    wanted = re.search(r"grafana-foundation-sdk==\S+?(?=')", command)[0]
    options = ["--isolated", "--no-project", "--python", ">=3.11,<3.14", "--with", wanted]
    done = subprocess.run(
        [uv, "run", "--quiet", *options, "python", str(GRAFANA / "dashboard.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and not os.environ.get("REQUIRE_PROMETHEUS"):
        pytest.skip(f"the SDK cannot be had here: {done.stderr[-200:]}")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (GRAFANA / "tens-insight.json").read_text()
