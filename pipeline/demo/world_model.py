"""The equations of the simulated world: what is random, and how likely it is.

The simulation draws from them, and the benchmark's particle filter weighs by them;
neither may know another version. Time is a clock of weeks 0 .. weeks - 1.

An account has a hidden satisfaction z and engagement e. Satisfaction shows in
complaints, engagement in how much is written, and both in whether the account
stays: it can leave loudly or silently. What WORLD leaves open is decided here:
the tiers' mean states and volumes, the season, shares of areas, regions and sources.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from transforms.arrays import Booleans, Floats, Integers

TIERS: Final = ("free", "pro", "enterprise")
TIER_SHARES: Final = (0.55, 0.33, 0.12)
MEAN_SATISFACTION: Final = np.array([0.2, 0.45, 0.75])
MEAN_ENGAGEMENT: Final = np.array([0.0, 0.1, 0.25])
WEEKLY_VOLUME: Final = np.array([0.55, 0.80, 1.40])
"""Rows a week of a tier's average account, in a neutral state and season."""
INTERCEPTS: Final = (-4.9, -5.35, -5.9)
NULL_INTERCEPT: Final = -4.8

REGIONS: Final = ("NA", "EU", "APAC", "LATAM", "MEA")
REGION_SHARES: Final = (0.38, 0.30, 0.18, 0.09, 0.05)
SOURCES: Final = ("zendesk", "email", "chat", "nps_survey", "app_store", "google_play")
SOURCE_SHARES: Final = (0.34, 0.20, 0.16, 0.14, 0.09, 0.07)
AREAS: Final = ("billing", "onboarding", "performance", "features", "security", "ui_ux")
AREA_SHARES: Final = (0.20, 0.12, 0.22, 0.22, 0.06, 0.18)
TOPICS: Final = (
    ("invoice", "refund", "price_change", "payment_method"),
    ("setup", "import", "invitation", "training"),
    ("latency", "timeout", "crash", "sync"),
    ("integration", "export", "search", "reporting"),
    ("login", "permissions", "audit_log", "certificate"),
    ("navigation", "layout", "accessibility", "mobile"),
)
"""Topics of each area, equally likely within it."""

AREA_CONCENTRATION: Final = 6.0
FRAILTY_SHAPE: Final = 0.8
WEEKS_BEFORE_START: Final = 104
"""Accounts older than the record signed up uniformly within this many weeks before it."""
SATISFACTION_MEMORY: Final = 0.93
SATISFACTION_NOISE: Final = 0.37
INCIDENT_BLOW: Final = 0.55
ENGAGEMENT_MEMORY: Final = 0.95
ENGAGEMENT_NOISE: Final = 0.31
INCIDENT_PROBABILITY: Final = 0.02
INCIDENT_COURSE: Final = (1.0, 0.6, 0.3)
UNIDENTIFIED_SHARE: Final = 0.08
NEWNESS_WEEKS: Final = 8.0
SEASON_SWING: Final = 0.15
WEEKS_A_YEAR: Final = 52
HIGHEST_PRIORITY_STEP: Final = 4
SENTIMENT_NAMES: Final = ("negative", "neutral", "positive")


@dataclass(frozen=True)
class Scenario:
    """What a world's churn and its enricher depend on.

    Attributes:
        satisfaction: Effect of satisfaction on the churn logit, taken off.
        engagement: Effect of engagement on the churn logit, taken off.
        newness: Effect of having just signed up on the churn logit, fading over eight weeks.
        intercepts: Churn logit of each tier in a neutral state.
        negative_shift: Added to the logit of negative sentiment after the change.
        hazard_shift: Added to the churn logit after the change.
        change_at: Share of the weeks that come before the change.
    """

    satisfaction: float = 0.75
    engagement: float = 0.65
    newness: float = 0.9
    intercepts: tuple[float, float, float] = INTERCEPTS
    negative_shift: float = 0.0
    hazard_shift: float = 0.0
    change_at: float = 0.75

    def changed(self, week: int | Integers, weeks: int) -> Booleans:
        """Returns whether a week of a world of so many weeks lies after the change."""
        return np.asarray(week) >= round(self.change_at * weeks)


STRONGER: Final = 1.8
BASE: Final = Scenario()
SCENARIOS: Final = {
    "base": BASE,
    "strong": replace(
        BASE,
        satisfaction=STRONGER * BASE.satisfaction,
        engagement=STRONGER * BASE.engagement,
        newness=STRONGER * BASE.newness,
    ),
    "null": Scenario(0.0, 0.0, 0.0, (NULL_INTERCEPT, NULL_INTERCEPT, NULL_INTERCEPT)),
    "harsh": replace(BASE, negative_shift=0.35),
    "regime": replace(BASE, hazard_shift=0.8),
}


def sigmoid(logit: Floats) -> Floats:
    """Returns 1 / (1 + exp(-logit))."""
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))


def stationary_state(rng: np.random.Generator, tier: Integers) -> tuple[Floats, Floats]:
    """Draws satisfaction and engagement as they are at sign-up.

    Args:
        rng: Where the randomness comes from.
        tier: Tier codes, of any shape.

    Returns:
        Two arrays of the shape of `tier`.
    """
    spread = SATISFACTION_NOISE / np.sqrt(1 - SATISFACTION_MEMORY**2)
    z = MEAN_SATISFACTION[tier] + spread * rng.standard_normal(tier.shape)
    spread = ENGAGEMENT_NOISE / np.sqrt(1 - ENGAGEMENT_MEMORY**2)
    return z, MEAN_ENGAGEMENT[tier] + spread * rng.standard_normal(tier.shape)


def next_state(
    rng: np.random.Generator, tier: Integers, z: Floats, e: Floats, exposure: Floats
) -> tuple[Floats, Floats]:
    """Draws the states of a week from those of the week before.

    Args:
        rng: Where the randomness comes from.
        tier: Tier codes, broadcast against the states.
        z: Satisfaction of the week before.
        e: Engagement of the week before.
        exposure: How much the week's incidents concern the account, broadcast likewise.

    Returns:
        Satisfaction and engagement, of the shape of `z`.
    """
    mean_z, mean_e = MEAN_SATISFACTION[tier], MEAN_ENGAGEMENT[tier]
    new_z = mean_z + SATISFACTION_MEMORY * (z - mean_z) - INCIDENT_BLOW * exposure
    new_e = mean_e + ENGAGEMENT_MEMORY * (e - mean_e)
    new_z = new_z + SATISFACTION_NOISE * rng.standard_normal(z.shape)
    return new_z, new_e + ENGAGEMENT_NOISE * rng.standard_normal(e.shape)


def volume(tier: Integers, z: Floats, e: Floats, week: int | Integers, exposure: Floats) -> Floats:
    """Returns the expected rows of a week for an account of frailty 1, identified or not."""
    season = SEASON_SWING * np.sin(2 * np.pi * np.asarray(week) / WEEKS_A_YEAR)
    logs = 0.5 * e - 0.35 * np.minimum(z, 0.0) + season + 0.5 * exposure
    return np.asarray(WEEKLY_VOLUME[tier] * np.exp(logs))


def churn_hazard(
    scenario: Scenario,
    tier: Integers,
    z: Floats,
    e: Floats,
    age: Floats | Integers,
    changed: bool | Booleans,
) -> Floats:
    """Returns the probability of leaving at the end of a week.

    Args:
        scenario: The world's effects.
        tier: Tier codes.
        z: Satisfaction in that week.
        e: Engagement in that week.
        age: Weeks since sign-up.
        changed: Whether the week lies after the scenario's change.

    Returns:
        Probabilities, of the shape that the arguments broadcast to.
    """
    logit = np.asarray(scenario.intercepts)[tier]
    logit = logit - scenario.satisfaction * z - scenario.engagement * e
    logit = logit + scenario.newness * np.exp(-age / NEWNESS_WEEKS)
    return sigmoid(logit + scenario.hazard_shift * np.asarray(changed))


def sentiment_shares(scenario: Scenario, z: Floats, changed: bool | Booleans) -> Floats:
    """Returns how likely a row is negative, neutral, positive: one axis of 3 more than `z`."""
    negative = np.exp(-0.6 - 0.9 * z + scenario.negative_shift * np.asarray(changed))
    positive = np.exp(-0.8 + 0.8 * z)
    total = negative + 1.0 + positive
    # By column: each of the three lies in one piece of memory.
    shares = np.empty((3, *np.shape(total)))
    for share, weight in zip(shares, (negative, 1.0, positive), strict=True):
        np.divide(weight, total, out=share)
    return np.moveaxis(shares, 0, -1)


def priority_chance(z: Floats, negative: bool | Booleans) -> Floats:
    """Returns the chance of each of the four steps above priority 1."""
    return sigmoid(-1.2 + 0.9 * np.asarray(negative) - 0.35 * z)
