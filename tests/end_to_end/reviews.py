"""What the evaluation report must agree with: the gate's decision, and the published table."""

from collections import Counter

CATEGORIES = ("critical", "high", "medium", "low")


def agrees_with_the_gate(review, gate):
    """Checks the numbers of review.json against those of decision.json."""
    assert review["decision"]["sentence"] == gate["summary"]
    assert review["head"]["model_version"] == gate["model_version"]
    assert review["head"]["champion_version"] == gate["champion_version"]
    assert review["checks"] == gate["checks"]
    measured = {one["model"]: one for one in review["performance"]["metrics"]}
    assert measured.keys() == gate["metrics"].keys()
    for model, expected in gate["metrics"].items():
        for name in ("auc", "pr_auc", "log_loss", "calibration_error"):
            assert measured[model]["metrics"][name]["value"] == expected[name]
    sizes = [(one["name"], one["accounts"], one["churned"]) for one in review["slices"]]
    assert sizes == [(one["slice"], one["accounts"], one["churned"]) for one in gate["slices"]]
    assert (
        sum(one["accounts"] for one in review["calibration"]["deciles"])
        == (gate["eval"]["accounts"])
    )


def counted(rows):
    """Counts rows of account_risk_scores by category, as the report lists them."""
    found = Counter(row[3] for row in rows)
    return [[name, found[name]] for name in CATEGORIES]


def nodes(review):
    """The outcome of each node before the report, by its name."""
    return {one["name"]: one["outcome"] for one in review["components"]}
