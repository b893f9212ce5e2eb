"""The search: what is tried first, what is kept, and that a failure is not passed over."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from keras_tuner.errors import FatalError

from serving_model.learning import tuner
from serving_model.learning.hyperparameters import HYPERPARAMETERS
from serving_model.learning.tuner import evaluate, plain_values, search_space, tuner_fn

FIRST = {"learning_rate": 0.004, "epochs": 8, "l2": 0.02, "dropout": 0.3, "hidden_units": [16]}


@pytest.fixture
def prepared(world: SimpleNamespace, tmp_path: Path) -> Any:
    """Calls tuner_fn as TFX does; a small budget."""

    def prepare(**changes: Any) -> Any:
        config = {
            "seed": 0,
            "batch_size": 256,
            "members": 1,
            "carried_shift": 0.0,
            "critical_priority": 4,
            "horizon_days": 30,
            "churn_horizons": [30],
            "model_card": {"label_source": "account_churn"},
            "tune_trials": 3,
            "set_explicitly": [],
            **FIRST,
        }
        arguments = SimpleNamespace(
            train_files=[world.pattern],
            transform_graph_path=world.graph,
            working_dir=str(tmp_path),
            custom_config=config | changes,
        )
        return tuner_fn(arguments)

    return prepare


def searched(prepared: Any) -> Any:
    prepared.tuner.search(**prepared.fit_kwargs)
    return prepared.tuner


@pytest.mark.slow
def test_the_settings_are_measured_first_and_the_best_is_kept(
    prepared: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two searches with one seed give the same, and standard output stays the command's."""
    measured: dict[str, float] = {}

    def measured_once(config: Any, *data: Any) -> float:
        values = json.dumps({name: config[name] for name in HYPERPARAMETERS})
        if values not in measured:
            measured[values] = evaluate(config, *data)
        return measured[values]

    monkeypatch.setattr(tuner, "evaluate", measured_once)
    found, again = searched(prepared()), searched(prepared())
    assert capsys.readouterr().out == ""
    # The second search measured nothing new; and what is measured again is the same.
    assert len(measured) == 3
    trials = [found.oracle.trials[one] for one in found.oracle.start_order]
    repeated = prepared().tuner
    assert evaluate(repeated._config, repeated._examples, repeated.folds.folds) == trials[0].score
    assert len(trials) == 3
    assert plain_values(trials[0].hyperparameters.values) == FIRST
    best = found.get_best_hyperparameters()[0].values
    assert best == min(trials, key=lambda trial: trial.score).hyperparameters.values
    assert best == again.get_best_hyperparameters()[0].values
    for trial in trials:
        values = plain_values(trial.hyperparameters.values)
        assert all(HYPERPARAMETERS[name].holds(value) for name, value in values.items())
    assert len({trial.score for trial in trials}) == 3


def test_what_is_set_explicitly_is_not_tuned(prepared: Any) -> None:
    space = search_space({"set_explicitly": ["l2"], **FIRST})
    assert [one.name for one in space.space] == [
        "learning_rate",
        "epochs",
        "dropout",
        "hidden_units",
    ]
    assert plain_values(space.values) == {k: v for k, v in FIRST.items() if k != "l2"}


def test_a_trial_that_fails_ends_the_search(prepared: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> float:
        raise MemoryError("no memory for it")

    monkeypatch.setattr(tuner, "evaluate", broken)
    with pytest.raises(FatalError, match=r"No model .*'l2': 0.02.*no memory for it"):
        searched(prepared())
