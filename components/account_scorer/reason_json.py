"""The reasons of many accounts as JSON, made of pieces that each exist once.

Nothing is encoded row by row: groups, sentences, effects and rounded numbers repeat a thousandfold,
so each is encoded once, and Arrow joins the pieces.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from serving_model.reasons.factors import factors
from serving_model.reasons.reason_words import LOWERS, RAISES, reasons_of
from serving_model.reasons.told_reasons import ToldReasons, told_reasons
from serving_model.served.predict import Explanation
from transforms.arrays import Floats, Integers

_json: Final = json.JSONEncoder(ensure_ascii=False).encode
"""Of a text what json.dumps gives, which makes an encoder for each."""
_DIGITS: Final = 4
_SCALE: Final = 10.0**_DIGITS
_NEAR: Final = 1e-6
"""Of a half in the last digit: there scaling may round otherwise than Python does."""


def reason_columns(explanation: Explanation, card: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the columns base_log_odds, other_log_odds, reasons and other_reasons.

    Both lists are JSON; what the strongest reasons and the base leave of the log-odds is the rest.

    Args:
        explanation: Of n accounts.
        card: Of the model.

    Raises:
        ValueError: A contribution is no finite number.
    """
    told = told_reasons(explanation, card)
    listed = rounded(told.log_odds)
    return {
        "base_log_odds": explanation.base_log_odds,
        "other_log_odds": _sums(explanation.contributions) - _listed_sums(told, listed),
        "reasons": _reasons(explanation.groups, told, listed),
        "other_reasons": _others(explanation, told),
    }


def told_one_by_one(explanation: Explanation, card: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields for each account what reason_columns has, the reasons as plain values.

    For some dozens of accounts: what columns need once is more than what they save.

    Args:
        explanation: Of n accounts.
        card: Of the model.

    Raises:
        ValueError: A contribution is no finite number.
    """
    told = reasons_of(explanation, card)
    for account, reasons in enumerate(told):
        listed = [one._asdict() | {"log_odds": round(one.log_odds, _DIGITS)} for one in reasons]
        yield {
            "reasons": listed,
            "base_log_odds": float(explanation.base_log_odds[account]),
            "other_log_odds": _added_up(explanation.contributions[account].tolist())
            - _added_up([one["log_odds"] for one in listed]),
        }


def _added_up(values: Sequence[float]) -> float:
    """Adds from left to right; from Python 3.12 on sum() rounds otherwise."""
    total = 0.0
    for value in values:
        total += value
    return total


def rounded(values: Floats) -> Floats:
    """Rounds to four digits, as Python's round does, to the last bit."""
    scaled = values * _SCALE
    found = np.rint(scaled) / _SCALE
    doubtful = np.abs(np.abs(scaled - np.floor(scaled)) - 0.5) < _NEAR
    doubtful |= np.abs(scaled) > 1e9
    found[doubtful] = [round(one, _DIGITS) for one in values[doubtful].tolist()]
    return np.asarray(found)


def _sums(contributions: Floats) -> Floats:
    """Sums rows from left to right, as Python's sum does."""
    total = np.zeros(len(contributions))
    for column in contributions.T:
        total = total + column
    return total


def _listed_sums(told: ToldReasons, listed: Floats) -> Floats:
    # Added one after the other, in their order.
    total = np.bincount(told.account, listed, minlength=len(told.starts) - 1)
    return total.astype(np.float64)


def _reasons(groups: Sequence[str], told: ToldReasons, listed: Floats) -> pa.Array:
    raises = told.log_odds > 0
    heads = [
        f'{{"group":{_json(group)},"direction":{_json(direction)},"log_odds":'
        for direction in (LOWERS, RAISES)
        for group in groups
    ]
    effects, effect = factors(told.log_odds)
    fragments = pyarrow.compute.binary_join_element_wise(
        _taken(heads, raises * len(groups) + told.group),
        _once(listed),
        ',"text":',
        _taken([_json(text) for text in told.texts], told.text),
        ',"effect":',
        _taken([_json(text) for text in effects], effect),
        "}",
        "",
    )
    return _arrays(told.starts, fragments)


def _others(explanation: Explanation, told: ToldReasons) -> pa.Array:
    """The groups that are not told, those that weigh most first."""
    count, groups = explanation.contributions.shape
    values = rounded(explanation.contributions.ravel()).reshape(count, groups)
    is_told = np.zeros([count, groups], bool)
    is_told[told.account, told.group] = True
    order = np.argsort(np.where(is_told, np.inf, -np.abs(values)), axis=1, kind="stable")
    left = groups - is_told.sum(axis=1)
    account, place = np.nonzero(np.arange(groups) < left[:, None])
    group = order[account, place]
    heads = [f'{{"group":{_json(name)},"log_odds":' for name in explanation.groups]
    fragments = pyarrow.compute.binary_join_element_wise(
        _taken(heads, group), _once(values[account, group]), "}", ""
    )
    return _arrays(np.concatenate([[0], np.cumsum(left)]), fragments)


def _arrays(starts: Integers, fragments: pa.Array) -> pa.Array:
    """Joins the fragments of each account to a JSON array."""
    lists = pa.ListArray.from_arrays(pa.array(starts, pa.int32()), fragments)
    inside = pyarrow.compute.binary_join(lists, ",")
    return pyarrow.compute.binary_join_element_wise("[", inside, "]", "")


def _once(values: Floats) -> pa.Array:
    """Encodes each finite value once, told apart by its bits: -0.0 is another than 0.0."""
    bits, place = np.unique(values.view(np.int64), return_inverse=True)
    # What json.dumps does with a number, without all that it does before.
    return _taken([repr(one) for one in bits.view(np.float64).tolist()], place)


def _taken(texts: Sequence[str], places: NDArray[np.integer[Any]]) -> pa.Array:
    return pa.array(texts, pa.string()).take(pa.array(places))
