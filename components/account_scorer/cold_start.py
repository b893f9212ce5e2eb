"""The rule that scores while no model is blessed: its own data gate, and the model made of it.

It is written beside the scores, as a SavedModel that answers as every champion does, so that all
that follows asks it in the same way. It is no Model artifact: it is never blessed, pinned, promoted
or compared as one, and the first blessed model takes its place.
"""

import json
from collections.abc import Sequence
from typing import Final

import numpy as np
from absl import logging

from components.account_scorer.inference import batches_of
from components.cold_start_config import ColdStartConfig
from components.errors import DataGateStopped
from components.registry.input_properties import ExamplesProperties
from components.registry.model_properties import ModelProperties
from components.registry.rule_files import rule_folder
from serving_model.served.model_card import CardValue, write_card
from serving_model.served.predict import HORIZONS
from serving_model.served.risk_bands import RiskBands, band_card
from serving_model.served.rule_model import (
    FittedRule,
    batch_signals,
    export_rule,
    fit_rule,
    rule_reason_card,
)
from transforms.arrays import Floats
from transforms.cold_start_rule import NOTHING_LEARNT, RULE_SIGNALS, rule_version

LEAST_ACCOUNTS: Final = 2
"""What can be ranked."""
_SMALLEST_SPREAD: Final = 1e-9
"""Of log-odds: below it all accounts are alike."""


def export_cold_start(
    config: ColdStartConfig,
    data: ExamplesProperties,
    paths: Sequence[str],
    scores_uri: str,
    bands: RiskBands,
) -> str:
    """Fits the rule's intercept to the accounts to score, and writes it as a model.

    Args:
        config: With the rule's weights and the base rate that is assumed.
        data: What the Examples say of themselves.
        paths: The files of the split to score.
        scores_uri: Folder of the scores.
        bands: The rule of the risk categories of the settings.

    Returns:
        Folder of the SavedModel.

    Raises:
        DataGateStopped: There is nothing that could be ranked.
    """
    signals = np.concatenate(
        [
            np.empty([0, len(RULE_SIGNALS)]),
            *(
                batch_signals(batch, config.critical_priority)
                for path in paths
                for batch in batches_of(path)
            ),
        ]
    )
    _require_enough(signals)
    rule = fit_rule(config.rule, signals, config.base_rate)
    _require_a_ranking(rule, signals)
    folder = rule_folder(scores_uri)
    export_rule(rule, config.critical_priority, folder)
    card = rule_card(config, data, bands, rule.probabilities(signals))
    write_card(folder, card)
    logging.warning("No model is blessed, so %s: %s.", card["model_version"], NOTHING_LEARNT)
    return folder


def rule_card(
    config: ColdStartConfig, data: ExamplesProperties, bands: RiskBands, probabilities: Floats
) -> dict[str, CardValue]:
    """Returns what the rule says of itself, as a model's card does.

    Args:
        config: With the rule's weights and the base rate that is assumed.
        data: What the Examples say of themselves.
        bands: The rule of the risk categories of the settings.
        probabilities: Of the accounts to score, [n].
    """
    said = ModelProperties(
        model_version=version_of_rule(config, data),
        as_of=data.as_of,
        database_id=data.database_id,
        label_source=data.label_source,
        feedback_rows=data.feedback_rows,
        lookback_days=data.lookback_days,
        horizon_days=data.horizon_days,
        max_events=data.max_events,
        duplicate_events=data.duplicate_events,
        active_within_days=data.active_within_days,
        rows_after_churn=data.rows_after_churn,
        risk_bands=bands.rule,
    ).as_plain()
    return {
        **said,
        HORIZONS: str(data.horizon_days),
        "learnt": NOTHING_LEARNT,
        "assumed_churn_rate": config.base_rate,
        "rule_weights": json.dumps(config.rule.as_dict(), sort_keys=True),
        **rule_reason_card(),
        **band_card(said, probabilities),
    }


def version_of_rule(config: ColdStartConfig, data: ExamplesProperties) -> str:
    """Returns the version: of the definition, the weights, and the settings that it counts by."""
    return rule_version(
        config.rule,
        assumed_churn_rate=config.base_rate,
        critical_priority=config.critical_priority,
        lookback_days=data.lookback_days,
        horizon_days=data.horizon_days,
    )


def _require_enough(signals: Floats) -> None:
    if len(signals) < LEAST_ACCOUNTS:
        raise DataGateStopped(
            f"The cold-start rule needs {LEAST_ACCOUNTS} accounts with feedback to rank, and there "
            f"{'is' if len(signals) == 1 else 'are'} {len(signals)}: nothing was published. Check "
            "that the rows of feedback_enriched name their account (account_id)."
        )


def _require_a_ranking(rule: FittedRule, signals: Floats) -> None:
    if float(np.ptp(rule.log_odds(signals))) < _SMALLEST_SPREAD:
        raise DataGateStopped(
            f"The cold-start rule gives all {len(signals)} accounts the same score: there is "
            "nothing to rank by, and nothing was published. Their feedback is alike in age, tone "
            "and priority; run again when there is more of it, or give other signals a weight "
            "(TENS_INSIGHT_RULE_WEIGHTS)."
        )
