"""What the page says of a run follows from its numbers, and claims no more than they do."""

from dataclasses import replace

import pytest

from components.data_checker.checks import Check
from components.model_gate.gate_check import GateCheck
from components.model_review.page import words
from components.model_review.page.accounts import accounts_here, categories_here, probabilities_here
from components.model_review.page.calibration import calibration_here, deciles_here
from components.model_review.page.changes import changed_here, drift_here
from components.model_review.page.contacting import first_here, thresholds_here
from components.model_review.page.decision import checks_counted, first_screen
from components.model_review.page.gains import contacts_here, lift_here
from components.model_review.page.importance import contributions_here, importance_here
from components.model_review.page.performance import answer
from components.model_review.page.rule_comparison import rule_part, rule_sentences
from components.model_review.page.slices import below_here, slices_answer
from components.model_review.sections.accounts import ScoreComparison, Scored
from components.model_review.sections.calibration import Calibration, Decile
from components.model_review.sections.changes import Drift
from components.model_review.sections.estimates import Estimate
from components.model_review.sections.gains import ContactsForHalf, Gains
from components.model_review.sections.importance import Contribution, Importance
from components.model_review.sections.slices import Slice
from components.model_review.sections.thresholds import Cut, Thresholds
from components.page.blocks import Absent
from components.page.words import listed, sentence
from serving_model.evaluation.ranking import FirstAccounts, FirstDifference
from tests.components.model_review import sample_reviews as samples


@pytest.mark.parametrize(
    ("difference", "lower_is_better", "verdict", "said"),
    [
        (Estimate(0.02, (0.01, 0.03)), False, words.BETTER, "is better than the champion"),
        (Estimate(-0.02, (-0.03, -0.01)), False, words.WORSE, "is worse than the champion"),
        (Estimate(-0.02, (-0.03, -0.01)), True, words.BETTER, "lies wholly below 0"),
        (Estimate(0.02, (0.01, 0.03)), True, words.WORSE, "lies wholly above 0"),
        (Estimate(0.02, (-0.01, 0.05)), False, words.OPEN, "cannot be told apart"),
        (Estimate(0.02, (0.0, 0.05)), False, words.OPEN, "cannot be told apart"),
        (Estimate(0.0, (0.0, 0.0)), False, words.SAME, "do not differ"),
        (Estimate(0.02), False, words.NO_INTERVAL, "how sure that is was not measured"),
    ],
)
def test_better_and_worse_are_said_only_of_an_interval_without_zero(
    difference: Estimate, lower_is_better: bool, verdict: str, said: str
) -> None:
    assert words.judged(difference, lower_is_better) == verdict
    sentence = words.compared("champion", "ranking", difference, lower_is_better)
    assert sentence.startswith("By ranking the challenger ")
    assert said in sentence
    assert (words.BETTER in sentence) == (verdict == words.BETTER)
    assert (words.WORSE in sentence) == (verdict == words.WORSE)


def test_the_answer_compares_with_the_champion_or_says_that_there_was_none() -> None:
    better = answer(samples.blessed())
    assert better.startswith("By ranking (AUC) the challenger is better than the champion: ")
    assert "By log-loss (lower is better) the challenger and the champion" in better
    worse = answer(samples.not_blessed())
    assert worse.startswith("By ranking (AUC) the challenger is worse than the champion")
    assert "lower is better) the challenger is worse than the champion: the diff" in worse
    first = answer(samples.blessed_first())
    assert first.startswith("There was no champion. By ranking (AUC) the challenger ")
    assert "not known" in answer(samples.stopped())


GAINS = Gains(
    (), (ContactsForHalf("challenger", 312, 312 / 1_446),), (), accounts=1_446, churned=72
)


def test_calls_for_half_are_set_beside_calling_at_random() -> None:
    assert contacts_here(GAINS) == (
        "Half of the churned accounts are among the challenger's first 312 of 1,446 accounts "
        "(21.6%); a random order needs 723."
    )
    assert "needs 724." in contacts_here(replace(GAINS, accounts=1_447))


@pytest.mark.parametrize(
    ("value", "ends", "said"),
    [
        (3.2, (2.5, 4.1), "first 10% of the list is 3.20 times that of all accounts, and at le"),
        (3.2, (2.5, 4.1), "at least 2.50."),
        (0.6, (0.4, 0.8), "at most 0.80."),
        (1.2, (0.9, 1.6), "cannot be told apart from chance"),
        (1.2, None, "no interval was measured"),
    ],
)
def test_lift_is_set_beside_chance(
    value: float, ends: tuple[float, float] | None, said: str
) -> None:
    assert said in lift_here(0.1, value, ends)


def calibration(error: float) -> Calibration:
    return Calibration((), Estimate(error), 0.03, mean_predicted=0.06, mean_observed=0.05)


def test_a_calibration_error_is_judged_by_what_chance_explains() -> None:
    assert calibration_here(calibration(0.03), None).endswith("so it may be chance.")
    off = calibration_here(calibration(0.031), None)
    assert "so the probabilities are not calibrated" in off
    assert off.startswith(
        "The mean predicted churn probability is 6.0%, the observed churn rate 5.0%. The mean cal"
    )


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        (Estimate(0.01, (0.001, 0.02)), "5.0%: the prediction is too high, beyond chance."),
        (Estimate(-0.01, (-0.02, -0.001)), "5.0%: the prediction is too low, beyond chance."),
        (Estimate(0.01, (-0.01, 0.03)), "5.0%: the two cannot be told apart."),
        (Estimate(0.01), "5.0%. The"),
    ],
)
def test_the_mean_is_judged_by_its_own_interval(gap: Estimate, said: str) -> None:
    assert said in calibration_here(calibration(0.01), gap)


def decile(predicted: float, observed: float, p_value: float) -> Decile:
    ends = (observed - 0.02, observed + 0.02)
    return Decile(100, 5, predicted, observed, ends, p_value)


def test_a_decile_that_is_off_beyond_chance_is_named_whatever_the_number_of_looks() -> None:
    sound = [decile(0.1, 0.11, 0.2)] * 9
    assert deciles_here([*sound, decile(0.1, 0.05, 0.0052)]) == (
        "No decile is off beyond chance: the lowest P of 10 is 0.0052, and of so many looks one "
        "below 0.005 would count."
    )
    assert deciles_here([*sound, decile(0.2, 0.3, 0.0015)]) == (
        "Decile 10 (predicted 20.0%, observed 30.0%, P 0.0015) is off beyond chance: of 10 looks "
        "at a calibrated model one with a P below 0.005 is seen in fewer than 5 of 100 reports."
    )
    two = deciles_here([decile(0.01, 0.05, 1e-9), *sound[1:], decile(0.2, 0.3, 0.0015)])
    assert two.startswith("Deciles 1 (predicted 1.0%, observed 5.0%, P under 0.0001) and 10 (")


def test_the_answer_says_so_too() -> None:
    off = replace(calibration(0.01), deciles=(decile(0.2, 0.3, 0.0015),))
    assert " One decile is off beyond chance. The mean calibration" in calibration_here(off, None)
    sound = replace(off, deciles=(decile(0.2, 0.21, 0.5),))
    assert "off beyond chance" not in calibration_here(sound, None)


def first(model: str, churned: float, count: int = 100) -> FirstAccounts:
    return FirstAccounts(model, count, churned, churned / count, None, churned / 150, None)


@pytest.mark.parametrize(
    ("apart", "said"),
    [
        ((4.0, 31.0), "These are more, beyond chance: the interval is 4 to 31."),
        (
            (-2.5, 31.0),
            "cannot be told apart: the interval of the difference is \N{MINUS SIGN}2.5 to",
        ),
    ],
)
def test_the_first_accounts_are_compared_with_recency(
    apart: tuple[float, float], said: str
) -> None:
    found = [first("challenger", 38.0), first("recency", 20.5)]
    here = first_here(found, [FirstDifference("recency", 100, 17.5, apart)])
    assert here.startswith(
        "Of the challenger's first 100 accounts 38 churned (38.0%), which are 25.3% of all that "
        "churned; sorted by the last message it would be 20.5."
    )
    assert said in here.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("apart", "said"),
    [
        ((4.0, 31.0), ", beyond chance: the interval of the difference is 4 to 31."),
        ((-2.0, 31.0), "; that may be chance: the interval of the difference, \N{MINUS SIGN}2 to"),
        (None, "and 20.5 by the rule's."),
    ],
)
def test_a_model_is_compared_with_the_rule_in_plain_words(
    apart: tuple[float, float] | None, said: str
) -> None:
    review = replace(
        samples.blessed_first(),
        checks=(),
        first_accounts=(first("challenger", 38.0), first("cold_start_rule", 20.5)),
        first_differences=(FirstDifference("cold_start_rule", 100, 17.5, apart),),
    )
    (here,) = rule_sentences(review)
    assert here.startswith("Of the first 100 accounts 38 churned by the challenger's order, and 2")
    assert said in here.replace("\N{NO-BREAK SPACE}", " ")


def test_without_a_champion_the_rule_is_compared_with_beside_logistic_regression() -> None:
    said = answer(samples.blessed_first())
    assert "the challenger is better than the logistic regression" in said or (
        "the challenger and the logistic regression" in said
    )
    assert "By ranking (AUC) the challenger is better than the cold-start rule" in said
    assert "cold-start" not in answer(samples.blessed())


def test_a_decision_without_the_rule_says_so() -> None:
    found = samples.blessed()
    assert found.performance is not None
    others = tuple(one for one in found.performance.metrics if one.model != "cold_start_rule")
    part = rule_part(replace(found, performance=replace(found.performance, metrics=others)))
    assert part.blocks == (Absent("The gate did not measure the cold-start rule."),)


def test_a_band_that_nobody_reaches_is_named() -> None:
    half = Estimate(0.5, (0.4, 0.6))
    cut = Cut(0.25, "medium", 40, 10, 30, 90, 870, half, half, half)
    said = thresholds_here(Thresholds((cut,), ("high", "critical"), 1_000, 0.1))
    assert said == (
        "Medium, from 0.25 on, flags 40 accounts: 10 of them churned (50.0%), which are 50.0% of "
        "all that churned; 30 are false alarms. No account of the evaluation set reaches the "
        "probability at which high and critical begin."
    )


def one_slice(
    name: str, auc: float, against: Estimate | None = None, failed: bool = False
) -> Slice:
    found = Estimate(auc, (auc - 0.05, auc + 0.05))
    return Slice(name, 300, 50, "", found, found, 0.1, 0.1, against, failed)


def test_failed_slices_are_named_and_small_ones_counted() -> None:
    few = Slice("region MEA", 12, 1, too_little="1 churned")
    fine = one_slice("customer_tier pro", 0.7)
    assert slices_answer([fine, few]) == (
        "None of 1 slice with enough data failed. 1 slice has not enough data."
    )
    worse = one_slice("region EU", 0.6, Estimate(-0.1, (-0.2, -0.01)))
    open_ = one_slice("region NA", 0.6, Estimate(-0.1, (-0.2, 0.01)))
    said = slices_answer([one_slice("region APAC", 0.4, failed=True), worse, open_])
    assert said == (
        "1 of 3 slices with enough data failed: region: APAC. Others passed, but rank worse than "
        "the champion: region: EU."
    )


def test_a_slice_is_worse_only_where_its_whole_interval_lies_below() -> None:
    lower, overlapping = one_slice("region EU", 0.6), one_slice("region NA", 0.66)
    assert "may be chance" in below_here([overlapping], level=0.7)
    said = below_here([lower, overlapping], level=0.7)
    assert said.endswith("than for all accounts (0.7000): for region: EU.")
    assert "No slice has an interval" in below_here([Slice("a", 1, 0, "few")], level=0.7)


def scored(accounts: int, mean: float, critical: int) -> Scored:
    categories = (("critical", critical), ("low", accounts - critical))
    return Scored("version", "2026-01-01T00:00:00+00:00", accounts, mean, categories, (accounts,))


WAITING = ScoreComparison(
    after=scored(100, 0.2, 4),
    before=scored(90, 0.1, 3),
    published=False,
    bands="probability",
    edges=(0, 1),
    band_transitions=(("critical", "critical", 2), ("low", "critical", 2), ("low", "low", 76)),
    common=80,
    appeared=20,
    vanished=10,
)


def test_what_would_happen_is_counted_over_the_accounts_in_both() -> None:
    assert accounts_here(WAITING) == (
        "2 of 80 accounts in both publications change their risk band (2.5%); 20 accounts are "
        "new and 10 are no longer there. The mean probability goes from 10.0% to 20.0%."
    )
    assert categories_here(WAITING) == (
        "4 of 100 accounts would be critical, after 3 of 90 at the last publication."
    )
    assert probabilities_here(WAITING).endswith("20.0%, after 10.0% at the last publication.")


def test_what_is_published_would_not_happen_any_more() -> None:
    done = replace(WAITING, published=True)
    assert accounts_here(done).startswith("These scores are published already. ")
    assert "100 accounts are critical" in categories_here(done)


def test_without_a_last_publication_there_is_nothing_to_compare_with() -> None:
    alone = replace(WAITING, before=None, before_missing="Nobody published.", band_transitions=())
    assert accounts_here(alone) == "Nobody published."
    assert categories_here(alone).endswith("would be critical; there is nothing to compare with.")


def drifted(feature: str, verdict: str) -> Drift:
    return Drift(feature, "eval", "train", 0.2, 0.1, verdict)


def test_drift_names_what_is_beyond_its_limit() -> None:
    passed, warned = drifted("a", "passed"), drifted("b", "warned")
    assert drift_here([passed]) == "None of 1 comparison exceeds its limit."
    assert drift_here([warned, passed]) == (
        "1 of 2 comparisons exceeds the limit: b (eval against train)."
    )


def test_data_checks_are_counted_by_what_became_of_them() -> None:
    checks = tuple(
        Check(verdict, "size", (), 1, "1", verdict, "")
        for verdict in ("passed", "passed", "skipped", "warned", "stopped")
    )
    assert changed_here(replace(samples.blessed(), data_checks=checks)) == (
        "2 checks of the data passed, and 2 did not: warned and stopped."
    )
    assert changed_here(replace(samples.blessed(), data_checks=checks[:3])).endswith(
        "stopped the run."
    )


def test_what_drives_it_is_named_with_its_size() -> None:
    estimate = Estimate(0.08, (0.07, 0.09))
    rows = [
        Importance("tier", "customer tier", 3, estimate, estimate, 100),
        Importance("region", "region", 3, Estimate(-0.001), estimate, 100),
    ]
    said = importance_here(rows)
    assert "loses 0.0800 of AUC without “customer tier”" in said
    assert "1 of 2 groups can be shuffled without a loss" in said
    moved = contributions_here([Contribution("tier", "customer tier", 0.7, 0.1, 0.35, 100)])
    assert "changes the odds of churn by ×2.0 or its inverse on average, and raises" in moved


def test_checks_are_counted_by_verdict() -> None:
    checks = [
        GateCheck(verdict, "overall", None, None, "", None, verdict, 1, 0, "")
        for verdict in ("passed", "failed", "passed", "skipped")
    ]
    assert checks_counted(checks) == "4 checks: 2 passed, 1 failed, 1 skipped."


def test_the_first_screen_says_the_sentence_of_the_gate_once() -> None:
    found = first_screen(samples.blessed())
    assert found.badge.text == "blessed"
    assert found.sentence.startswith("AUC above chance is 0.")
    assert found.sentence.endswith("skipped.")
    assert found.consequence == samples.blessed().decision.consequence
    assert dict(found.facts)["Churn means"] == "a churn date (account_churn) within 60 days"
    assert dict(first_screen(samples.stopped()).facts)["Compared with"].startswith("nothing")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("auc against the champion of region auc_b", "AUC against the champion of region auc_b"),
        ("log_loss gain, pr_auc", "log-loss gain, PR AUC"),
        ("against the logistic_regression", "against the logistic regression"),
        ("against the cold_start_rule", "against the cold-start rule"),
    ],
)
def test_metrics_are_named_as_people_name_them(text: str, said: str) -> None:
    assert words.plain(text) == said


def test_lists_are_read_as_sentences() -> None:
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(["a", "b", "c"], most=2) == "a, b and 1 more"
    assert sentence("why it failed") == "Why it failed."
    assert sentence("Why?") == "Why?"
    assert sentence("") == ""
