"""What a summary shows of the data gate."""

import pytest

from components.data_checker.checks import Check
from components.data_checker.decision_file import write_checks
from components.registry.artifacts import DataGateDecision
from pipeline.registry.registry import RunArtifacts
from pipeline.runs.data_checks import DataChecks, read_data_checks


def checks(**verdicts):
    return [
        Check(f"{verdict} {number}", "size", (), None, "", verdict, f"{verdict} {number}")
        for verdict, count in verdicts.items()
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "last"),
    [(0, None), (1, "warned 0"), (5, "warned 4"), (6, "and 1 more in f"), (20, "and 15 more in f")],
)
def test_at_most_five_warnings_are_shown_and_the_others_counted(count, last):
    lines = list(DataChecks("f", checks(passed=3, warned=count)).warning_lines("f"))
    assert len(lines) == min(count, 6)
    assert last is None or lines[-1] == last


def test_verdicts_are_counted_and_skipping_has_a_reason():
    assert DataChecks("f", checks(passed=7)).counts() == "7 passed"
    assert DataChecks("f", checks(passed=2, warned=1)).counts() == "2 passed, 1 warned"
    one = DataChecks("f", checks(passed=2, skipped=1)).counts()
    assert one == "2 passed, 1 skipped (skipped 0)"
    many = DataChecks("f", checks(passed=2, skipped=3)).counts()
    assert many == "2 passed, 3 skipped (skipped 0; and 2 more)"


def test_the_decision_of_a_run_is_read_whole(tmp_path):
    decision = DataGateDecision()
    decision.uri = str(tmp_path)
    write_checks(decision, checks(passed=1, warned=2))
    decision.mlmd_artifact.type = decision.type_name
    found = read_data_checks(RunArtifacts([decision.mlmd_artifact]))
    assert found.file == str(tmp_path / "decision.json")
    assert found.checks == checks(passed=1, warned=2)
    assert found.warnings == ["warned 0", "warned 1"]
    assert read_data_checks(RunArtifacts([])) == DataChecks()
