"""tuner_fn: what the TFX Tuner calls to look for better hyperparameters."""

import json
import logging
from collections.abc import Mapping
from typing import Any, Final

import keras_tuner
import tensorflow_transform as tft
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import TrialStatus
from keras_tuner.errors import FatalError
from keras_tuner.oracles import BayesianOptimizationOracle
from tfx.components.tuner.component import TunerFnResult

from serving_model.learning.choosing import choose_on
from serving_model.learning.folds import Fold, Folds, time_folds
from serving_model.learning.hyperparameters import HYPERPARAMETERS, Choice
from serving_model.learning.labelled_examples import LabelledExamples, load_examples
from serving_model.learning.learner import TrainerSettings
from serving_model.learning.trainer import horizons_of

LOG_LOSS: Final = "log_loss"
TRIALS: Final = "tune_trials"
SET_EXPLICITLY: Final = "set_explicitly"

_log = logging.getLogger(__name__)


def tuner_fn(fn_args: Any) -> TunerFnResult:
    """Prepares the search for hyperparameters that predict newer cutoffs best.

    Args:
        fn_args: TFX's FnArgs. Read are train_files (patterns of raw, gzipped examples),
            transform_graph_path, working_dir and custom_config: what run_fn gets, and
            `tune_trials` and `set_explicitly`, names that are not to be tuned.

    Raises:
        ValueError: The examples are none, or too few for folds.
    """
    config = fn_args.custom_config
    transform = tft.TFTransformOutput(fn_args.transform_graph_path)
    examples = load_examples(fn_args.train_files, transform)
    folds = time_folds(examples, int(config["horizon_days"]))
    _log.info("Folds: %s.", folds.how)
    tuner = FoldTuner(
        config,
        examples,
        folds,
        oracle=SettingsFirst(
            objective=keras_tuner.Objective(LOG_LOSS, "min"),
            max_trials=int(config[TRIALS]),
            num_initial_points=max(2, int(config[TRIALS]) // 2),
            hyperparameters=search_space(config),
            # keras-tuner takes 0 for none, and draws one.
            seed=int(config["seed"]) + 1,
        ),
        directory=fn_args.working_dir,
        project_name="trials",
        overwrite=True,
    )
    # keras-tuner prints tables to standard output, which belongs to the command's summary.
    return TunerFnResult(tuner=tuner, fit_kwargs={"verbose": 0})


def search_space(config: Mapping[str, Any]) -> keras_tuner.HyperParameters:
    """Returns what may be tuned, with the settings' values as defaults.

    Args:
        config: As tuner_fn gets it.
    """
    space = keras_tuner.HyperParameters()
    for name, limits in HYPERPARAMETERS.items():
        if name in config[SET_EXPLICITLY]:
            continue
        if isinstance(limits, Choice):
            texts = [json.dumps(value) for value in limits.values]
            space.Choice(name, texts, default=json.dumps(list(config[name])), ordered=False)
        else:
            kind = space.Int if limits.whole else space.Float
            sampling = "log" if limits.log else "linear"
            kind(name, limits.low, limits.high, sampling=sampling, default=config[name])
    return space


def plain_values(found: Mapping[str, Any]) -> dict[str, Any]:
    """Returns keras-tuner's values as the settings have them: lists are text there."""
    return {
        name: json.loads(value) if isinstance(HYPERPARAMETERS.get(name), Choice) else value
        for name, value in found.items()
    }


def evaluate(
    config: Mapping[str, Any], examples: LabelledExamples, folds: tuple[Fold, ...]
) -> float:
    """Returns the log-loss of churn_probability on all that the folds measure.

    Linear part and network are fitted on each fold, and blended with the weights that suit
    all folds best, as a training run does on folds of its own.

    Args:
        config: What run_fn gets; its model card says the label's source.
        examples: All training examples.
        folds: Of them.
    """
    settings = TrainerSettings.from_custom_config(config)
    horizons = horizons_of(examples, settings)
    return choose_on(folds, horizons, settings.fit).log_loss


class SettingsFirst(BayesianOptimizationOracle):
    """Bayesian optimization that measures the settings' own values before it looks further.

    So what is found is never worse than they are on the folds, and one sees by how much it
    is better.
    """

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Returns the values of a trial."""
        if not self.trials:
            values = {one.name: one.default for one in self.hyperparameters.space}
            return {"status": TrialStatus.RUNNING, "values": values}
        found: dict[str, Any] = super().populate_space(trial_id)
        return found


class FoldTuner(BaseTuner):
    """Measures each set of hyperparameters on all folds.

    Args:
        config: As tuner_fn gets it.
        examples: All training examples.
        folds: Of them.
        **kwargs: Of keras-tuner's BaseTuner.
    """

    def __init__(
        self, config: Mapping[str, Any], examples: LabelledExamples, folds: Folds, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.folds = folds
        self._examples = examples
        self._config = config

    def run_trial(self, trial: Any, **_: Any) -> float:
        """Returns the log-loss; a trial that fails ends the search, and is not passed over."""
        values = plain_values(trial.hyperparameters.values)
        try:
            found = evaluate({**self._config, **values}, self._examples, self.folds.folds)
        except Exception as error:
            raise FatalError(f"No model could be fitted with {values}: {error}") from error
        _log.info("Trial %s: log-loss %.5f with %s.", trial.trial_id, found, values)
        return found
