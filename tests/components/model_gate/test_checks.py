"""The rules on plain numbers: what must be refused is, and chance alone refuses nothing."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from components.model_gate.calibration_checks import ratio_check
from components.model_gate.config import ModelGateConfig
from components.model_gate.evidence import unacceptable_because
from components.model_gate.gate_check import OVERALL, GateCheck, Population
from components.model_gate.overall_checks import overall_checks
from components.model_gate.slice_checks import Traits, slice_checks
from components.verdicts import FAILED, SKIPPED
from serving_model.evaluation.paired_bootstrap import paired_bootstrap

LIMITS = ModelGateConfig(
    min_auc=0.55,
    max_worsening={"auc": 0.02, "pr_auc": 0.05, "log_loss": 0.02},
    max_calibration_error=0.03,
    max_calibration_gap=0.03,
    min_slice_churned=20,
    min_slice_stayed=20,
)


def drawn(accounts: int, signal: float = 1.0, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    found = expit(-2.2 + signal * random.normal(size=accounts))
    return (random.random(accounts) < found).astype(np.float64), found


def checks(labels: np.ndarray, **models: np.ndarray) -> dict[str, GateCheck]:
    given = {"constant": np.full(len(labels), 0.1)}
    given |= (
        dict.fromkeys(("logistic_regression", "cold_start_rule"), models["challenger"]) | models
    )
    replicates = paired_bootstrap(labels, given, resamples=300)
    population = Population.of(OVERALL, labels)
    return {
        check.name if check.slice == OVERALL else f"{check.name} of {check.slice}": check
        for check in overall_checks(population, labels, given, replicates, LIMITS)
    }


def failed(found: dict[str, GateCheck]) -> set[str]:
    return {name for name, check in found.items() if check.verdict == FAILED}


def test_a_sound_model_passes() -> None:
    labels, found = drawn(4_000)
    assert failed(checks(labels, challenger=found, champion=found)) == set()


def test_a_gain_in_log_loss_without_a_ranking_is_refused() -> None:
    """A base rate that fell: whoever follows it gains, and knows nothing of accounts."""
    random = np.random.default_rng(2)
    labels = (random.random(3_000) < 0.05).astype(np.float64)
    followed = expit(logit(0.05) + 0.05 * random.normal(size=3_000))
    found = checks(labels, challenger=followed, constant=np.full(3_000, 0.12))
    assert found["log_loss gain over the constant"].verdict == "passed"
    assert failed(found) == {"auc", "auc above chance"}


def test_the_constant_itself_is_refused() -> None:
    labels, _ = drawn(500)
    constant = np.full(500, 0.1)
    assert {"auc above chance", "log_loss gain over the constant"} <= failed(
        checks(labels, challenger=constant)
    )


@pytest.mark.parametrize("other_model", ["champion", "logistic_regression", "cold_start_rule"])
def test_worse_than_a_baseline_is_refused_on_the_same_accounts(other_model: str) -> None:
    labels, found = drawn(4_000, signal=1.5)
    noise = np.random.default_rng(3).normal(size=4_000)
    worse = expit(logit(found) + 1.5 * noise)
    missed = failed(checks(labels, challenger=worse, **{other_model: found}))
    assert {f"auc against the {other_model}", f"pr_auc against the {other_model}"} <= missed
    assert failed(checks(labels, challenger=found, **{other_model: worse})) == set()


def test_the_rule_is_held_against_by_its_ranking_alone() -> None:
    """Its probabilities rest on a rate that was never fitted to anything."""
    labels, found = drawn(4_000, signal=1.5)
    off = expit(logit(found) + 0.2)
    missed = checks(labels, challenger=off, cold_start_rule=found, logistic_regression=found)
    against = {name for name in missed if name.endswith(" the cold_start_rule")}
    assert against == {"auc against the cold_start_rule", "pr_auc against the cold_start_rule"}
    turned = checks(labels, challenger=found, cold_start_rule=1 - found)
    assert failed(turned) == set()


def test_a_model_that_ranks_worse_than_the_rule_may_be_accepted_only_if_that_may_be_chance() -> (
    None
):
    labels, found = drawn(4_000, signal=1.5)
    noise = np.random.default_rng(3).normal(size=4_000)
    worse = expit(logit(found) + 1.5 * noise)
    seen = checks(labels, challenger=worse, cold_start_rule=found)
    said = seen["auc against the cold_start_rule"]
    assert "cold_start_rule" in unacceptable_because([said])
    assert said.interval is not None
    level = replace(said, interval=(said.interval[0], 0.001))
    assert unacceptable_because([level]) == ""


def test_without_a_champion_its_check_is_skipped() -> None:
    labels, found = drawn(400)
    skipped = [c for c in checks(labels, challenger=found).values() if c.verdict == SKIPPED]
    assert [check.message for check in skipped] == [
        f"against the champion was skipped on 400 accounts ({int(labels.sum())} churned): "
        "there is no champion"
    ]


def test_out_of_calibration_is_refused_on_many_accounts() -> None:
    labels, found = drawn(20_000)
    missed = failed(checks(labels, challenger=expit(logit(found) + 0.5)))
    assert missed == {"calibration error", "calibration gap", "calibration ratio"}


def rare(accounts: int, rate: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Labels of a small base rate, and the probabilities that they were drawn from."""
    random = np.random.default_rng(seed)
    found = expit(logit(rate) + random.normal(-0.5, 1, accounts))
    return (random.random(accounts) < found).astype(np.float64), found


def test_a_small_rate_that_is_missed_by_a_third_is_refused_by_the_ratio_alone() -> None:
    labels, found = rare(8_000, 0.05)
    seen = checks(labels, challenger=found / 1.35)
    assert failed(seen) == {"calibration ratio"}
    ratio = seen["calibration ratio"]
    assert ratio.value == pytest.approx(found.mean() / 1.35 / labels.mean())
    assert ratio.p_value is not None
    assert ratio.p_value < 1e-6
    assert "that churned, P below 0.0001" in ratio.message
    assert "missed by" in ratio.message
    assert failed(checks(labels, challenger=found)) == set()


@pytest.mark.parametrize(
    ("predicted", "churned", "accounts"), [(0.050, 256, 4_000), (0.022, 216, 12_000)]
)
def test_a_mean_of_a_fifth_too_much_or_too_little_is_refused_by_default(
    predicted: float, churned: int, accounts: int
) -> None:
    """0.050 for a rate of 0.064, and 0.022 for one of 0.018: both are beyond chance."""
    labels = (np.arange(accounts) < churned).astype(np.float64)
    most = ModelGateConfig().max_calibration_ratio
    population = Population.of(OVERALL, labels)
    found = ratio_check(population, labels, np.full(accounts, predicted), most)
    assert found.failed
    assert found.p_value is not None
    assert found.p_value < 0.01
    fair = ratio_check(population, labels, np.full(accounts, churned / accounts), most)
    assert not fair.failed


def test_the_top_decile_has_a_ratio_of_its_own() -> None:
    labels, found = rare(12_000, 0.03)
    top = found >= np.quantile(found, 0.9)
    turned = np.where(top, np.minimum(found * 2.2, 0.95), found * 0.55)
    missed = failed(checks(labels, challenger=turned))
    assert "calibration ratio of top decile" in missed
    assert "calibration ratio" not in missed


def test_where_most_churn_the_ratio_is_that_of_those_who_stay() -> None:
    random = np.random.default_rng(5)
    found = expit(2.4 + random.normal(size=6_000))
    labels = (random.random(6_000) < found).astype(np.float64)
    ratio = checks(labels, challenger=expit(logit(found) - 0.4))["calibration ratio"]
    assert ratio.failed
    assert "that stayed" in ratio.message
    assert ratio.value is not None
    assert ratio.value > 1.25


@pytest.mark.parametrize("rate", [0.02, 0.08, 0.5])
def test_chance_alone_is_refused_by_no_ratio(rate: float) -> None:
    refused = 0
    for seed in range(40):
        labels, found = rare(1_000, rate, seed)
        population = Population.of(OVERALL, labels)
        refused += ratio_check(population, labels, found, 1.0).failed
    assert refused <= 4


def test_chance_refuses_no_sound_model_on_few_accounts() -> None:
    refused = 0
    for seed in range(40):
        labels, found = drawn(250, seed=seed)
        refused += bool(
            failed(checks(labels, challenger=found)) & {"calibration error", "calibration gap"}
        )
    assert refused <= 2


def traits(accounts: int) -> Traits:
    number = np.arange(accounts)
    return Traits(
        tier=np.where(number % 2 == 0, "free", "pro"),
        region=np.where(number < 8, "MEA", "EU"),
        state=np.where(number % 4 == 0, "new", np.where(number % 3 == 0, "silent", "active")),
    )


def sliced(labels: np.ndarray, **models: np.ndarray) -> dict[tuple[str, str], GateCheck]:
    found = slice_checks(labels, models, traits(len(labels)), LIMITS)
    return {(check.slice, check.name): check for _, own in found for check in own}


def test_the_slices_are_cut_as_documented() -> None:
    labels, found = drawn(2_000)
    counted = {
        described["slice"]: described["accounts"]
        for described, _ in slice_checks(labels, {"challenger": found}, traits(2_000), LIMITS)
    }
    assert counted == {
        "customer_tier free": 1_000,
        "customer_tier pro": 1_000,
        "region EU": 1_992,
        "region MEA": 8,
        "state new": 500,
        "state active": 1_000,
        "state quiet": 0,
        "state silent": 500,
    }


def test_a_slice_that_is_small_is_skipped_with_its_counts() -> None:
    labels, found = drawn(2_000)
    check = sliced(labels, challenger=found)["region MEA", "slice"]
    assert check.verdict == SKIPPED
    churned = int(labels[:8].sum())
    assert f"{churned} churned and {8 - churned} stayed, at least 20 and 20" in check.message


def test_a_bad_slice_is_refused_though_the_whole_is_good() -> None:
    labels, found = drawn(6_000, signal=1.5)
    free = traits(6_000).tier == "free"
    turned = np.where(free, expit(-4.4 - logit(found)), found)
    named = {key for key, check in sliced(labels, challenger=turned).items() if check.failed}
    assert ("customer_tier free", "auc") in named
    assert not any(place == "customer_tier pro" for place, _ in named)
    shifted = np.where(free, expit(logit(found) + 1), found)
    named = {key for key, check in sliced(labels, challenger=shifted).items() if check.failed}
    assert ("customer_tier free", "calibration gap") in named
    assert ("customer_tier free", "calibration ratio") in named


def test_the_more_slices_are_looked_at_the_rarer_a_deviation_must_be() -> None:
    labels, found = drawn(2_000)
    judged = sliced(labels, challenger=found)
    said = {check.threshold for (_, name), check in judged.items() if name == "calibration ratio"}
    assert said == {"within a factor of 1.75, or P at least 0.0017"}


def test_a_slice_may_not_fall_clearly_behind_the_champion() -> None:
    labels, found = drawn(6_000, signal=1.5)
    noise = np.random.default_rng(4).normal(size=6_000)
    worse = np.where(traits(6_000).tier == "pro", expit(logit(found) + 2 * noise), found)
    missed = {
        key for key, c in sliced(labels, challenger=worse, champion=found).items() if c.failed
    }
    assert ("customer_tier pro", "auc against the champion") in missed
    assert ("customer_tier free", "auc against the champion") not in missed


def test_what_cannot_be_computed_is_no_pass() -> None:
    check = Population("overall", 3, 0).check("auc", float("nan"), "any", 0.5, float("nan"))
    assert (check.verdict, check.value) == (FAILED, None)


def test_a_metric_that_no_setting_names_keeps_its_limit() -> None:
    limits = ModelGateConfig(max_worsening={"auc": 0.3}).worsening_limits
    assert limits == {"auc": 0.3, "pr_auc": 0.03, "log_loss": 0.02}
    with pytest.raises(ValueError, match="gini is none of auc, pr_auc, log_loss"):
        ModelGateConfig(max_worsening={"gini": 0.3})


@pytest.mark.parametrize("limit", [float("nan"), float("inf"), 5])
def test_a_limit_that_no_model_could_miss_is_refused(limit: float) -> None:
    with pytest.raises(ValueError, match="max_worsening.auc"):
        ModelGateConfig(max_worsening={"auc": limit})
