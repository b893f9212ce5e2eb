"""One shard of examples with all that is known of them once the model has answered."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, Final

import numpy as np
import pyarrow as pa
import tensorflow as tf
from numpy.typing import NDArray

from components.account_scorer.asked import SHADOWS_KEY, Asked
from components.account_scorer.beside import NOTHING, Beside
from components.account_scorer.explained_part import most_at_risk, spliced
from components.account_scorer.reason_json import reason_columns
from components.contributions.shard_rows import GROUPS_KEY, float_lists
from components.errors import PublicationRefused
from serving_model.reasons.explainer import REASON_GROUPS
from serving_model.served.predict import (
    EXPLAIN_BATCH,
    Answer,
    Explanation,
    ModelScorer,
    decoded,
)
from serving_model.served.risk import checked_probabilities
from transforms.arrays import Floats
from transforms.event_spec import (
    CUSTOMER_TIER,
    DAYS_SINCE_LAST_EVENT,
    LIFETIME_COUNT,
    REGION,
    TENURE_DAYS,
)
from transforms.thresholds import account_states

COLUMNS: Final = pa.schema(
    [
        ("account_id", pa.string()),
        ("churn_probability", pa.float64()),
        ("churn_by_horizon", pa.string()),
        ("tenure_days", pa.float64()),
        ("days_since_last_event", pa.float64()),
        ("silence_state", pa.string()),
        ("base_log_odds", pa.float64()),
        ("other_log_odds", pa.float64()),
        ("reasons", pa.string()),
        ("other_reasons", pa.string()),
        ("contributions", pa.list_(pa.float32())),
        ("customer_tier", pa.string()),
        ("region", pa.string()),
        ("model_version", pa.string()),
    ]
)
"""Of a shard of scores. churn_by_horizon, an object by days, and both lists of reasons are JSON;
contributions holds the log-odds of all groups, in the order that the metadata of the shard name.
Beside them there is a column for each model in shadow that the metadata name."""

REASON_COLUMNS: Final = (
    "base_log_odds",
    "other_log_odds",
    "reasons",
    "other_reasons",
    "contributions",
)
_FACTS: Final = ("tenure_days", "days_since_last", "lifetime_count")
_RAW_FACTS: Final = (TENURE_DAYS, DAYS_SINCE_LAST_EVENT, LIFETIME_COUNT)
_WORDS: Final = ("tier", "region")
_RAW_WORDS: Final = (CUSTOMER_TIER, REGION)
_RAW_SPEC: Final = {
    **{name: tf.io.FixedLenFeature([], tf.float32) for name in _RAW_FACTS},
    **{name: tf.io.FixedLenFeature([], tf.string) for name in _RAW_WORDS},
}
_BATCHES: Final = 12
"""So many at a time: their columns are built while the model is asked about the next."""


def scored_shard(
    scorer: ModelScorer,
    batches: Iterable[tf.Tensor],
    *,
    explained: float = 1.0,
    beside: Beside = NOTHING,
    known: Sequence[dict[str, Any]] | None = None,
) -> pa.Table:
    """Asks the model once about every example, and the models beside it.

    Where some accounts are explained, it is asked about these once more. Contributions are then
    null for all: groups of a part of the accounts say nothing about the mean of all.

    Args:
        scorer: Of the champion.
        batches: n serialized examples, without labels, as string tensors.
        explained: The share of the accounts, 0..1, about which it is asked why: those most at
            risk. Of others the columns of the reasons are null. While two models share the
            accounts, all are explained where some are to be.
        beside: Models in shadow, which are never asked why, and the second one of a split.
        known: What answered_columns yielded of the same examples, with reasons where all accounts
            are explained: the champion is not asked again. Not for a split.

    Returns:
        n rows of COLUMNS, in the order given; of a split those of each part of the batches that
        the first model scored come before those of the second.

    Raises:
        PublicationRefused: A probability is no probability, or a reason no number.
        SecondModelBroken: That is so, or it cannot be asked, of the second model of a split.
    """
    some = 0 < explained < 1 and beside.split is None
    explains_all = explained > 0 and not some
    ask = _explained if explains_all else _answered
    asked = Asked(scorer, beside, ask if known is None else _Known(known))
    if some:
        batches = list(batches)
    try:
        with ThreadPoolExecutor(1) as builder:
            built = [
                builder.submit(_table, columns_of, version)
                for part in _parts(batches)
                for columns_of, version in asked.about(part)
            ]
        whole = pa.concat_tables(one.result() for one in built)
        if some:
            whole = explained_in_part(scorer, batches, whole, explained)
    except ValueError as error:
        raise PublicationRefused(f"Nothing was published. {error}") from None
    groups = str(scorer.card[REASON_GROUPS]).split(",") if explains_all else []
    for name, column in asked.shadow_columns(len(whole)).items():
        whole = whole.append_column(name, column)
    metadata = {GROUPS_KEY: json.dumps(groups), SHADOWS_KEY: asked.shadows_text()}
    return whole.replace_schema_metadata(metadata)


def answered_columns(
    scorer: ModelScorer, batches: Iterable[tf.Tensor], *, explains: bool
) -> Iterator[dict[str, Any]]:
    """Yields the columns of the answers about several batches at a time, as scored_shard asks.

    Args:
        scorer: Of the champion.
        batches: As for scored_shard.
        explains: Whether it is asked why.

    Raises:
        ValueError: A probability is no probability, or a reason no number.
    """
    ask = _explained if explains else _answered
    with ThreadPoolExecutor(1) as builder:
        built: Future[dict[str, Any]] | None = None
        for part in _parts(batches):
            columns_of = ask(scorer, part)
            if built is not None:
                yield built.result()
            built = builder.submit(columns_of)
        if built is not None:
            yield built.result()


class _Known:
    """Asks nobody: gives what is known already, part by part."""

    def __init__(self, columns: Iterable[dict[str, Any]]) -> None:
        self._columns = iter(columns)

    def __call__(self, scorer: ModelScorer, batches: list[tf.Tensor]) -> "_Columns":
        columns = next(self._columns)
        return lambda: columns


def explained_in_part(
    scorer: ModelScorer, batches: Iterable[tf.Tensor], whole: pa.Table, share: float
) -> pa.Table:
    """Asks why about those most at risk, and puts what is answered in place of their rows.

    Args:
        scorer: Of the champion.
        batches: Of all examples, in the order of the rows.
        whole: n rows of COLUMNS, without reasons.
        share: Of the rows, 0..1.
    """
    rows = most_at_risk(whole["churn_probability"].to_numpy(), share)
    chosen = _chosen(batches, rows, len(whole))
    explanations = _table(_explained(scorer, chosen), str(scorer.card.get("model_version", "")))
    without = explanations.column_names.index("contributions")
    nulls = pa.nulls(len(rows), COLUMNS.field("contributions").type)
    return spliced(whole, rows, explanations.set_column(without, "contributions", nulls))


def _chosen(
    batches: Iterable[tf.Tensor], rows: NDArray[np.integer[Any]], count: int
) -> list[tf.Tensor]:
    """Returns the examples of some rows, EXPLAIN_BATCH at a time."""
    wanted, parts, start = np.zeros(count, bool), [], 0
    wanted[rows] = True
    for batch in batches:
        size = len(batch)
        parts.append(tf.boolean_mask(batch, wanted[start : start + size]))
        start += size
    examples = tf.concat(parts, 0) if parts else tf.constant([], tf.string)
    return [examples[at : at + EXPLAIN_BATCH] for at in range(0, len(examples), EXPLAIN_BATCH)]


_Columns = Callable[[], dict[str, Any]]


def _parts(batches: Iterable[tf.Tensor]) -> Iterator[list[tf.Tensor]]:
    """Yields the batches, several at a time; at least once, with none if there are none."""
    rest = iter(batches)
    yield list(islice(rest, _BATCHES))
    while part := list(islice(rest, _BATCHES)):
        yield part


def _table(columns_of: _Columns, version: str) -> pa.Table:
    columns = columns_of()
    columns["model_version"] = pa.repeat(pa.scalar(version), len(columns["account_id"]))
    arrays = [
        one.cast(kind) if isinstance(one, pa.Array) else pa.array(one, kind)
        for one, kind in ((columns[name], COLUMNS.field(name).type) for name in COLUMNS.names)
    ]
    return pa.Table.from_arrays(arrays, schema=COLUMNS)


def _explained(scorer: ModelScorer, batches: list[tf.Tensor]) -> _Columns:
    """Asks for scores and reasons; returns what builds the columns."""
    found = scorer.explain_batches(batches)

    def columns() -> dict[str, Any]:
        days = [found.facts[:, found.fact_names.index(name)] for name in _FACTS]
        words = [found.fact_words[:, found.fact_word_names.index(name)] for name in _WORDS]
        own = _columns(scorer, found, days, words) | reason_columns(found, scorer.card)
        return own | {"contributions": float_lists(found.contributions)}

    return columns


def _answered(scorer: ModelScorer, batches: list[tf.Tensor]) -> _Columns:
    """Asks for scores; returns what reads the facts in the examples, and builds the columns."""
    found = scorer.score_batches(batches)

    def columns() -> dict[str, Any]:
        parsed = [tf.io.parse_example(batch, _RAW_SPEC) for batch in batches]
        days, words = (
            [
                np.concatenate([np.empty(0, kind), *(one[name].numpy() for one in parsed)])
                for name in names
            ]
            for names, kind in ((_RAW_FACTS, np.float64), (_RAW_WORDS, object))
        )
        own = _columns(scorer, found, days, [decoded(one) for one in words])
        return own | dict.fromkeys(REASON_COLUMNS, pa.nulls(len(found.accounts)))

    return columns


def _columns(
    scorer: ModelScorer, found: Answer | Explanation, days: list[Floats], words: list[Any]
) -> dict[str, Any]:
    """All columns but those of the reasons."""
    tenure, silence, count = days
    accounts = found.accounts.tolist()
    checked_probabilities(found.probabilities, accounts)
    states = account_states(tenure, silence, count, int(scorer.card["lookback_days"]))
    return {
        "account_id": accounts,
        "churn_probability": found.probabilities,
        "churn_by_horizon": _by_horizon(scorer.horizons, found.horizon_probabilities),
        "tenure_days": tenure,
        "days_since_last_event": silence,
        "silence_state": states.tolist(),
        **dict(zip(("customer_tier", "region"), map(_known_words, words), strict=True)),
    }


def _by_horizon(days: Sequence[int], horizons: Floats) -> list[str]:
    names = [json.dumps(str(one)) for one in days]
    pattern = "{" + ", ".join(f"{name}: %s" for name in names) + "}"
    # What json.dumps does with a number, without all that it does before.
    columns = [map(repr, column.tolist()) for column in horizons.T]
    return list(map(pattern.__mod__, zip(*columns, strict=True)))


def _known_words(words: NDArray[np.object_]) -> list[str | None]:
    """Returns what the accounts are, such as their tier; None where it is not given."""
    column = words.tolist()
    known = {word: str(word).replace("\0", "") or None for word in set(column)}
    return [known[word] for word in column]
