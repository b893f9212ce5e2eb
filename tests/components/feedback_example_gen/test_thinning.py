"""Thinning: whole accounts, by a hash that tells nothing of them, the same everywhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.feedback_example_gen.examples import Beside, CutoffExamples
from components.feedback_example_gen.labels import Labels
from components.feedback_example_gen.request import ReadRequest
from components.feedback_example_gen.thinning import account_hashes, share_of_bucket, thinned
from components.registry.input_properties import ExamplesProperties

IDS = pa.array([f"ACC-{n}".encode() for n in range(20_000)], pa.binary())
RANDOM = np.random.default_rng(3)
HASHES = ["36872d5298d3e12f", "b6f197e0609614a8", "e4a6a0577479b2b4"]


def at_a_cutoff(accounts: int, share: float = 0.8) -> CutoffExamples:
    """Some of the first accounts; the later an account signed up, the rarer it churns."""
    account = np.flatnonzero(RANDOM.random(accounts) < share)
    churned = (RANDOM.random(len(account)) < 0.15 - 0.1 * account / accounts).astype(np.int64)
    labels = Labels(churned, account.astype(np.float32), -account.astype(np.float32))
    rows = account * 10
    return CutoffExamples(0, account, rows, rows + 1, rows + 2, account % 2 == 0, labels, Beside())


def accounts_of(examples: list[CutoffExamples]) -> set[int]:
    return {int(account) for one in examples for account in one.account}


def test_the_hash_is_the_same_on_any_machine() -> None:
    """Of BLAKE2b, as its reference implementation gives it."""
    found = account_hashes(pa.array([b"ACC-000001", "Ü/ß".encode(), b""], pa.binary()))
    assert [f"{one:016x}" for one in found.tolist()] == HASHES
    assert len(np.unique(account_hashes(IDS))) == len(IDS)


def test_below_the_limit_nobody_is_left_out() -> None:
    examples = [at_a_cutoff(50), at_a_cutoff(50)]
    total = sum(len(one.account) for one in examples)
    for most in (None, total, total + 1):
        assert thinned(examples, IDS, most) == examples


def test_accounts_are_taken_with_all_their_cutoffs_and_stay_when_the_limit_grows() -> None:
    examples = [at_a_cutoff(300) for _ in range(4)]
    before: set[int] = set()
    for most in (100, 400, 700):
        kept = thinned(examples, IDS, most)
        taken = accounts_of(kept)
        assert most - 4 < sum(len(one.account) for one in kept) <= most
        assert before < taken
        for whole, part in zip(examples, kept, strict=True):
            assert part.account.tolist() == [one for one in whole.account if one in taken]
        before = taken


def test_all_columns_of_an_example_stay_together() -> None:
    (kept,) = thinned([at_a_cutoff(300)], IDS, 100)
    assert kept.labels is not None
    np.testing.assert_array_equal(kept.first, kept.account * 10)
    np.testing.assert_array_equal(kept.begin, kept.account * 10 + 1)
    np.testing.assert_array_equal(kept.end, kept.account * 10 + 2)
    np.testing.assert_array_equal(kept.cut, kept.account % 2 == 0)
    np.testing.assert_array_equal(kept.labels.days_to_churn, kept.account)
    np.testing.assert_array_equal(kept.labels.days_observed, -kept.account)


def test_splits_take_the_same_accounts_as_far_as_they_go() -> None:
    train, evaluated = at_a_cutoff(2000, share=1.0), at_a_cutoff(2000, share=1.0)
    many = accounts_of(thinned([train, train], IDS, 2000))
    few = accounts_of(thinned([evaluated], IDS, 500))
    assert few < many


def test_those_who_are_taken_churn_as_often_as_all() -> None:
    """Within four standard errors, for a quarter and a hundredth of 60,000 examples."""
    examples = [at_a_cutoff(20_000) for _ in range(4)]
    churned = np.concatenate([one.labels.churned for one in examples if one.labels])
    for most in (len(churned) // 4, len(churned) // 100):
        kept = thinned(examples, IDS, most)
        rate = np.concatenate([one.labels.churned for one in kept if one.labels]).mean()
        error = np.sqrt(churned.mean() * (1 - churned.mean()) / most)
        assert abs(rate - churned.mean()) < 4 * error


@given(st.integers(0, 10**9), st.integers(1, 500))
def test_the_buckets_together_give_what_is_asked_for(most: int, buckets: int) -> None:
    shares = [share_of_bucket(most, bucket, buckets) for bucket in range(buckets)]
    assert sum(one or 0 for one in shares) == most
    assert share_of_bucket(None, 0, buckets) is None


def test_examples_are_thinned_where_they_are_written_and_say_so(
    feedback: Any,
    write_examples: Callable[..., Any],
    read_examples: Callable[[Any, str], dict[tuple[str, int], Any]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    from tests.components.feedback_example_gen.test_executor import ago, wave

    feedback.add(wave(40))
    feedback.churn([(f"ACC-{n}", ago(3 * n)) for n in range(1, 40, 4)])
    whole = write_examples(tmp_path / "whole")
    limits = {"train": 40, "eval": 12}
    monkeypatch.setattr(ReadRequest, "most_examples", property(lambda _: limits))
    thin = write_examples(tmp_path / "thin", rows_per_bucket=150)
    before, after = ExamplesProperties.read(whole), ExamplesProperties.read(thin)
    for split, most in limits.items():
        rows, all_rows = read_examples(thin, split), read_examples(whole, split)
        taken = {account for account, _ in rows}
        assert rows == {key: row for key, row in all_rows.items() if key[0] in taken}
        found = after.splits[split]
        assert most / 2 < found.examples == len(rows) <= most
        assert found.available == len(all_rows) == before.splits[split].examples
        assert before.splits[split].available is None
    assert read_examples(thin, "score") == read_examples(whole, "score")
    assert after.splits["score"].available is None
    assert after.accounts == before.accounts
