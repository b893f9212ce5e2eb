"""The rules on plain numbers: what must be refused is, and chance alone refuses nothing."""

import numpy as np
import pytest
from scipy.special import expit, logit

from components.model_gate.config import ModelGateConfig
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
    given = {"constant": np.full(len(labels), 0.1), "logistic_regression": models["challenger"]}
    given |= models
    replicates = paired_bootstrap(labels, given, resamples=300)
    population = Population.of(OVERALL, labels)
    return {
        check.name: check for check in overall_checks(population, labels, given, replicates, LIMITS)
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


@pytest.mark.parametrize("other_model", ["champion", "logistic_regression"])
def test_worse_than_a_baseline_is_refused_on_the_same_accounts(other_model: str) -> None:
    labels, found = drawn(4_000, signal=1.5)
    noise = np.random.default_rng(3).normal(size=4_000)
    worse = expit(logit(found) + 1.5 * noise)
    missed = failed(checks(labels, challenger=worse, **{other_model: found}))
    assert {f"auc against the {other_model}", f"pr_auc against the {other_model}"} <= missed
    assert failed(checks(labels, challenger=found, **{other_model: worse})) == set()


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
    assert missed == {"calibration error", "calibration gap"}


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
