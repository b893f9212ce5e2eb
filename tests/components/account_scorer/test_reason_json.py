"""The JSON of many accounts is what Python's own encoder makes of each."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.account_scorer.reason_json import reason_columns, rounded, told_one_by_one
from serving_model.reasons.reason_words import reasons_of
from serving_model.served.predict import Explanation
from tests.property_tests import cases
from tests.serving_model.reasons.test_fact_sentences import possible
from tests.serving_model.reasons.test_told_reasons import CARD, explanation
from transforms.reason_groups import group_names

ODD = np.array(
    [0.00005, -0.00005, 0.00015, 1.00005, 0.0, -0.0, 1e-9, -1e-9, 2.67495, 1e12, 0.12345]
)


def one_by_one(found: Explanation) -> tuple[list[str], list[str], list[float]]:
    texts, others, rests = [], [], []
    for values, reasons in zip(found.contributions.tolist(), reasons_of(found, CARD), strict=True):
        listed = [one._asdict() | {"log_odds": round(one.log_odds, 4)} for one in reasons]
        told = {one.group for one in reasons}
        rest = [
            {"group": group, "log_odds": round(value, 4)}
            for group, value in zip(found.groups, values, strict=True)
            if group not in told
        ]
        rest.sort(key=lambda one: -abs(one["log_odds"]))
        encode = {"ensure_ascii": False, "separators": (",", ":")}
        texts.append(json.dumps(listed, **encode))
        others.append(json.dumps(rest, **encode))
        rests.append(sum(values) - sum(one["log_odds"] for one in listed))
    return texts, others, rests


@settings(max_examples=cases(30), deadline=None)
@given(st.lists(possible(), min_size=1, max_size=5), st.integers(0, 2**32))
def test_it_is_that_of_each_account(facts, seed: int) -> None:
    random = np.random.default_rng(seed)
    values = random.normal(size=[len(facts), len(group_names())]).astype(np.float32)
    found = explanation(facts, values.astype(np.float64))
    columns = reason_columns(found, CARD)
    texts, others, rests = one_by_one(found)
    assert columns["reasons"].to_pylist() == texts
    assert columns["other_reasons"].to_pylist() == others
    assert columns["other_log_odds"] == pytest.approx(rests, abs=1e-12)
    told = list(told_one_by_one(found, CARD))
    assert [one["reasons"] for one in told] == [json.loads(one) for one in texts]
    for name in ("base_log_odds", "other_log_odds"):
        assert np.array([one[name] for one in told]).tobytes() == columns[name].tobytes()


def test_numbers_are_rounded_as_python_rounds_them() -> None:
    random = np.random.default_rng(0)
    near = (random.integers(-50_000, 50_000, 20_000) + 0.5) / 10_000
    for values in (ODD, near, near.astype(np.float32).astype(np.float64)):
        expected = np.array([round(one, 4) for one in values.tolist()])
        assert rounded(values).tobytes() == expected.tobytes()
