"""From examples to answers: what a publication would say of the account, at this moment.

Probabilities, horizons, bands and reasons are made by the functions of the scoring run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from components.account_scorer.reason_json import told_one_by_one
from pipeline.serving.champion import Champion
from pipeline.serving.problems import Problem
from serving_model.served.predict import Answer, Explanation, ModelScorer
from serving_model.served.risk import health_scores
from serving_model.served.risk_bands import CAPACITY, RiskBands
from serving_model.served.warmup import example_of_nobody


@dataclass(frozen=True)
class Question:
    """An example, and whether reasons are wanted.

    Attributes:
        champion: Whom to ask.
        example: Serialized.
        reasons: Whether to say why.
    """

    champion: Champion
    example: bytes
    reasons: bool


@dataclass(frozen=True)
class Call:
    """Other work that waits for its turn, such as another call of a model.

    Attributes:
        work: Does it.
    """

    work: Callable[[], Any]


def answer_all(asked: Sequence[Question | Call]) -> list[dict[str, Any] | Exception]:
    """Asks models about a batch, once for those with reasons and once for those without.

    Returns:
        For each question the values of an answer, or why it has none.
    """
    found: dict[int, dict[str, Any] | Exception] = {}
    parts: dict[tuple[int, bool], list[tuple[int, Question]]] = {}
    for place, one in enumerate(asked):
        if isinstance(one, Call):
            found[place] = _called(one)
        else:
            parts.setdefault((id(one.champion), one.reasons), []).append((place, one))
    for (_, reasons), questions in parts.items():
        champion = questions[0][1].champion
        places = [place for place, _ in questions]
        examples = [one.example for _, one in questions]
        try:
            answers: Sequence[dict[str, Any] | Exception] = answer(champion, examples, reasons)
        except Exception as error:
            answers = [error] * len(places)
        found.update(zip(places, answers, strict=True))
    return [found[place] for place in range(len(asked))]


def call_all(calls: Sequence[Call]) -> list[Any]:
    """Does what each of them says; an exception is the result of its own call alone."""
    return [_called(one) for one in calls]


def _called(call: Call) -> Any:
    try:
        return call.work()
    except Exception as error:
        return error


def answer(
    champion: Champion, examples: Sequence[bytes], reasons: bool
) -> list[dict[str, Any] | Exception]:
    """Asks a model about n serialized examples, and words its answers.

    Args:
        champion: The model.
        examples: Serialized.
        reasons: Whether to say why.
    """
    batches = [np.array(examples, object)]
    scorer = champion.scorer
    asked: Answer | Explanation
    asked = scorer.explain_batches(batches) if reasons else scorer.score_batches(batches)
    values = _values(champion, asked)
    if isinstance(asked, Explanation):
        for one, why in zip(values, told_one_by_one(asked, scorer.card), strict=True):
            if isinstance(one, dict):
                one.update(why)
    return values


def _values(champion: Champion, asked: Answer | Explanation) -> list[dict[str, Any] | Exception]:
    bands = _bands(champion.bands, asked)
    found: list[dict[str, Any] | Exception] = []
    for place, probability in enumerate(asked.probabilities.tolist()):
        if not 0 <= probability <= 1:  # NaN is none of these
            found.append(_no_probability(champion))
            continue
        by_horizon = asked.horizon_probabilities[place].tolist()
        found.append(
            {
                "probability": probability,
                "health_score": float(health_scores([probability])[0]),
                "horizon_days": int(champion.scorer.card["horizon_days"]),
                "horizons": dict(zip(map(str, champion.scorer.horizons), by_horizon, strict=True)),
                "risk_band": bands[place],
                "model_version": champion.version,
            }
        )
    return found


def _bands(bands: RiskBands, asked: Answer | Explanation) -> list[str | None]:
    """Returns the band of each; None by capacity, which is shared among all accounts of a run."""
    probabilities = np.nan_to_num(asked.probabilities, nan=0.0)
    if bands.mode == CAPACITY:
        return [None] * len(probabilities)
    found: list[str | None] = bands.categories(probabilities, asked.accounts.tolist()).tolist()
    return found


def _no_probability(champion: Champion) -> Problem:
    return Problem(
        500,
        "no_probability",
        f"Model {champion.version} answers with what is no probability: withdraw it "
        "(`tens-insight models withdraw`).",
    )


_WARM: Final = (1, 2)
"""Sizes of batches: the first call of each kind is slower."""


def warm_up(scorer: ModelScorer) -> None:
    """Asks a model what it will be asked, so that no request waits for what is made once."""
    example = example_of_nobody()
    for size in _WARM:
        batch = [np.array([example] * size, object)]
        scorer.score_batches(batch)
        list(told_one_by_one(scorer.explain_batches(batch), scorer.card))
