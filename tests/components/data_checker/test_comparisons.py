"""What is scored is compared with what the champion learnt from, before and after scoring."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tensorflow as tf
from tfx.components.statistics_gen.executor import DEFAULT_FILE_NAME
from tfx.types import artifact_utils, standard_artifacts

from components.config import as_parameter
from components.data_checker.actions import decide
from components.data_checker.checks import Check
from components.data_checker.comparisons import compare, learnt_statistics, load_statistics
from components.data_checker.config import DataCheckerConfig
from components.data_checker.decision_file import write_checks
from components.monitor.run_checks import DATA_GATE, checks_of_run
from components.registry.artifacts import DataGateDecision

Splits = dict[str, Any]
CHATS = [[b"chat"]] * 300
MAILS = [[b"email"]] * 300


def artifact(folder: Path, splits: Splits) -> Any:
    """Statistics as StatisticsGen writes them."""
    made = standard_artifacts.ExampleStatistics()
    made.uri, made.split_names = str(folder), artifact_utils.encode_split_names(list(splits))
    for split, statistics in splits.items():
        place = Path(artifact_utils.get_split_uri([made], split))
        place.mkdir(parents=True)
        (place / DEFAULT_FILE_NAME).write_bytes(statistics.SerializeToString())
    return made


@pytest.fixture
def run(tmp_path: Path, statistics_of: Callable[..., Any], limits: Callable[..., Any]) -> Any:
    """Makes what Monitor is given, by what this run and the champion learnt from."""

    def make(own: Splits, trained: Any) -> SimpleNamespace:
        statistics = artifact(tmp_path / "own", own)
        learnt = learnt_statistics([trained] if trained and set(own) == {"score"} else [])
        decision = DataGateDecision()
        decision.uri = str(tmp_path / "decision")
        config: DataCheckerConfig = limits()
        checks = compare(load_statistics(statistics, list(own)), learnt, config)
        write_checks(decision, [*decide(checks, config.data_checks), KEPT])
        inputs = {
            "decision": [decision],
            "statistics": [statistics],
            "trained_statistics": [statistics] if trained == "own" else [trained] * bool(trained),
        }
        found, known = checks_of_run(inputs, {DATA_GATE: as_parameter(config)})
        return SimpleNamespace(known=known, checks={one.name: one for one in found})

    return make


KEPT = Check("rows", "volume", (), 3, "<= 5", "passed", "", high=5)
UNSEEN, FAR = "score: unseen event_source", "score against eval: event_source"


def of_words(statistics_of: Callable[..., Any], words: Any) -> Splits:
    return {name: statistics_of(300, event_source=words) for name in ("train", "eval")}


def test_a_scoring_run_keeps_what_the_gate_found(run, statistics_of, tmp_path):
    champion = artifact(tmp_path / "champion", of_words(statistics_of, MAILS))
    found = run({"score": statistics_of(300, event_source=CHATS)}, champion)
    assert found.known["event_source"] == {"email"}
    assert found.checks[UNSEEN].found == found.checks[FAR].found == 1
    assert (found.checks[UNSEEN].verdict, found.checks[FAR].verdict) == ("warned", "warned")
    assert found.checks["rows"] == KEPT


def test_a_run_whose_own_model_scores_keeps_what_the_gate_found(run, statistics_of):
    own = of_words(statistics_of, MAILS) | {"score": statistics_of(300, event_source=CHATS)}
    found = run(own, "own")
    assert found.checks[UNSEEN].found == found.checks[FAR].found == 1
    assert "eval against train: event_source" in found.checks


def test_a_run_whose_challenger_was_refused_is_compared_with_the_champion(
    run, statistics_of, tmp_path
):
    champion = artifact(tmp_path / "champion", of_words(statistics_of, CHATS))
    own = of_words(statistics_of, MAILS) | {"score": statistics_of(300, event_source=CHATS)}
    found = run(own, champion)
    assert found.known["event_source"] == {"chat"}
    assert found.checks[UNSEEN].found == found.checks[FAR].found == 0
    assert (found.checks[UNSEEN].verdict, found.checks[FAR].verdict) == ("passed", "passed")
    assert found.checks["rows"] == KEPT


def test_a_champion_without_statistics_is_not_compared_with(run, statistics_of):
    found = run({"score": statistics_of(300)}, None)
    assert found.known is None
    messages = {one.message for one in found.checks.values() if one.verdict == "skipped"}
    assert len(messages) == 3
    assert all("of the run that trained the champion" in one for one in messages)


def test_statistics_whose_files_are_gone_end_the_run(run, statistics_of, tmp_path):
    """Cleaning up keeps those of a champion: what is gone is damage, which a run names."""
    gone = standard_artifacts.ExampleStatistics()
    gone.uri, gone.split_names = str(tmp_path / "gone"), '["train", "eval"]'
    with pytest.raises(tf.errors.NotFoundError):
        run({"score": statistics_of(300)}, gone)
