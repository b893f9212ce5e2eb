"""From the examples of some accounts to what is published of them."""

from datetime import datetime

import numpy as np
import pyarrow as pa

from components.account_scorer.inference import CHURN_PROBABILITY, ScoredAccounts
from components.account_scorer.kept_details import detail_columns
from components.feedback_example_gen.account_examples import AccountExamples
from components.publishing.holdout import Holdout
from components.publishing.increment import Increment
from components.streaming.base_scores import BaseScores
from components.streaming.champion import StreamChampion
from serving_model.served.risk import CATEGORIES


def increment_of(
    champion: StreamChampion,
    base: BaseScores,
    examples: AccountExamples,
    as_of: datetime,
    holdout: Holdout,
) -> Increment:
    """Scores examples.

    Args:
        champion: What scores.
        base: The full publication that the scores will stand upon.
        examples: Of some accounts at as_of.
        as_of: The moment, UTC.
        holdout: Which accounts are marked to be left alone.

    Raises:
        PublicationRefused: A probability is no probability, or a reason no number.
        NothingToPublish: Where the categories begin is not known.
    """
    cuts = base.cuts_for(champion.bands)
    rows, details = [], []
    if examples.serialized:
        shard = champion.about(examples.accounts, examples.serialized)
        accounts = shard["account_id"].to_pylist()
        probabilities = shard[CHURN_PROBABILITY].to_numpy()
        if cuts is None:
            categories = champion.bands.categories(probabilities, accounts)
        else:
            categories = np.array(CATEGORIES)[np.digitize(probabilities, cuts)]
        models = shard["model_version"].to_pylist() if champion.split else None
        scored = ScoredAccounts(accounts, probabilities, categories, 0, models)
        rows = scored.rows(as_of, champion.model_version)
        percentiles = base.percentiles(probabilities)
        details = [detail_columns(shard, percentiles, champion.bands.base_rate, holdout)]
    return Increment(
        as_of=as_of,
        base=base.entry.publication_id,
        model_version=champion.model_version,
        label_source=champion.label_source,
        rows=rows,
        details=[_without_chunks(table) for table in details],
        horizon_days=champion.horizon_days,
        horizons=champion.horizons,
        # Of the second model of a split it is not known.
        horizons_judged=None if champion.split else champion.horizons_judged,
        bands=champion.bands,
        cuts=cuts,
        holdout=holdout,
        split=champion.split,
    )


def _without_chunks(table: pa.Table) -> pa.Table:
    return table.combine_chunks()
