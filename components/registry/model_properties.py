"""Models and what is said about them: properties of Model, HyperParameters, blessing, report."""

from dataclasses import dataclass
from typing import Any

from components.registry import artifact_names
from components.registry.properties import Properties


@dataclass(frozen=True, kw_only=True)
class ModelProperties(Properties):
    """What a Model of ModelTrainer says of itself; its card has the same values.

    A Model of somebody else's trainer has none of them. Times are ISO 8601 UTC.

    Attributes:
        model_version: Unique name.
        packages: Versions of what trained it.
        as_of: The now of its training run.
        database_id: Of the database that it learnt from.
        label_source: What said who churned: account_churn or inactivity.
        feedback_rows: Rows of feedback that the run read.
        lookback_days: How far back events count as recent.
        horizon_days: How far ahead the label looks.
        max_events: Length of the lists of events.
        duplicate_events: What was done with repeated rows: collapse or keep.
        active_within_days: It learnt from accounts with an event in so many days; None: from all
            that had not left.
        rows_after_churn: What feedback after a churn date meant: back or final.
        train_cutoffs: Oldest first, joined by commas.
        train_examples: Labelled examples that it learnt from.
        train_churned: Of them, how many churned.
        train_available: How many there would have been of all accounts; None where none was left
            out.
        eval_cutoffs: The cutoff of the evaluation set.
        eval_examples: Size of the evaluation set.
        eval_churned: Of it, how many churned.
        eval_available: As train_available.
        code_version: Hash of the code that decides a model.
        risk_bands: The rule of the settings, see RiskBands.rule.
        settings: Of the training run, plain values by name.
        hyperparameters: As used, by name.
        hyperparameters_from: Where they come from, in a sentence without a full stop.
        tuner_run: Name of the tuner run that they come from; empty if from none.
        saved_model_sha256: Hash of what was exported; None in the card, which is part of it.
    """

    TYPE_NAME = artifact_names.MODEL

    model_version: str = ""
    packages: str | None = None
    as_of: str = ""
    database_id: str | None = None
    label_source: str = ""
    feedback_rows: int | None = None
    lookback_days: int | None = None
    horizon_days: int | None = None
    max_events: int | None = None
    duplicate_events: str | None = None
    active_within_days: int | None = None
    rows_after_churn: str | None = None
    train_cutoffs: str = ""
    train_examples: int = 0
    train_churned: int = 0
    train_available: int | None = None
    eval_cutoffs: str = ""
    eval_examples: int = 0
    eval_churned: int = 0
    eval_available: int | None = None
    code_version: str | None = None
    risk_bands: dict[str, Any] | None = None
    settings: dict[str, Any] | None = None
    hyperparameters: dict[str, Any] | None = None
    hyperparameters_from: str | None = None
    tuner_run: str = ""
    saved_model_sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class HyperParametersProperties(Properties):
    """What ModelTuner found. Times are ISO 8601 UTC.

    Attributes:
        tuner_run: The name by which a model says where its hyperparameters come from.
        values: What was found, by name; what was set explicitly is not among them.
        settings_values: The settings' own, by name.
        log_loss: Mean over the folds with the values, in nats.
        settings_log_loss: With the settings' own.
        trials: Sets of values that were measured.
        folds: How the training examples were divided, in words.
        as_of: The run's now.
        label_source: What said who churned.
        horizon_days: How far ahead the label looks.
        train_cutoffs: Oldest first, joined by commas.
        train_examples: Labelled examples that were divided.
    """

    TYPE_NAME = artifact_names.HYPERPARAMETERS

    tuner_run: str
    values: dict[str, Any]
    settings_values: dict[str, Any]
    log_loss: float
    settings_log_loss: float
    trials: int
    folds: str
    as_of: str
    label_source: str
    horizon_days: int
    train_cutoffs: str
    train_examples: int


@dataclass(frozen=True, kw_only=True)
class BlessingProperties(Properties):
    """What a ModelBlessing says; the first five properties are TFX's, for its resolvers.

    Attributes:
        blessed: Whether no check failed.
        current_model_id: Artifact id of the challenger.
        current_model: Folder of the challenger.
        baseline_model_id: Artifact id of the champion that it was compared with, if any.
        baseline_model: Folder of that champion.
        model_version: Of the challenger; None in a blessing of TFX's Evaluator.
        summary: The decision in one sentence; None in a blessing of TFX's Evaluator.
        decision: Name of the file with the whole decision; None likewise.
        auc: Of the challenger on the evaluation set; None where it is no number.
        log_loss: In nats; None where it is no number.
        shadow: Whether the model runs in shadow until it is promoted; None where it does not.
        horizons_judged: Days of the horizons that the gate could judge, rising, joined by commas;
            None in a blessing of TFX's Evaluator.
        acceptable: Whether a person may accept the model, since it lacks evidence alone; None where
            it was blessed, or judged by somebody else.
        unacceptable_because: Why nobody may accept it: what the check says that forbids it.
    """

    TYPE_NAME = artifact_names.MODEL_BLESSING

    blessed: bool
    current_model_id: int
    current_model: str | None = None
    baseline_model_id: int | None = None
    baseline_model: str | None = None
    model_version: str | None = None
    summary: str | None = None
    decision: str | None = None
    auc: float | None = None
    log_loss: float | None = None
    shadow: bool | None = None
    horizons_judged: str | None = None
    acceptable: bool | None = None
    unacceptable_because: str | None = None


@dataclass(frozen=True, kw_only=True)
class PushedModelProperties(Properties):
    """What TFX's Pusher says of the model that it pushed.

    Attributes:
        pushed_destination: Its folder.
    """

    TYPE_NAME = artifact_names.PUSHED_MODEL

    pushed_destination: str


@dataclass(frozen=True, kw_only=True)
class ReviewProperties(Properties):
    """What an evaluation report says of itself.

    Attributes:
        outcome: blessed, not blessed, stopped or failed.
        model_version: Of the challenger; None where the run came to none.
        as_of: The run's now, ISO 8601 UTC; None where not even reading came to its end.
        copy_problem: Why there is no copy of it where settings ask for one.
    """

    TYPE_NAME = artifact_names.MODEL_REVIEW

    outcome: str
    model_version: str | None = None
    as_of: str | None = None
    copy_problem: str | None = None
