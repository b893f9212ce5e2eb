"""The written policy: from facts and settings to what is done now, and why. It asks nobody."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from components.registry.stages import PROMOTE, WITHDRAW
from pipeline.policy.facts import TRAIN, Facts, KnownModel
from pipeline.setting_groups import PolicySettings
from serving_model.evaluation.sequential import Sequential

SCORE: Final = "score"
_DAY: Final = timedelta(days=1)
_NAMED: Final = 2
"""Measures of an alarm that a sentence names."""


@dataclass(frozen=True)
class Act:
    """Something that is done now.

    Attributes:
        kind: withdraw, promote, train or score.
        reason: Why, in a sentence.
        version: The model that it speaks of; empty where it speaks of none.
        evidence: Numbers and names behind it.
        undo: The command that takes it back.
    """

    kind: str
    reason: str
    version: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    undo: str = ""


@dataclass(frozen=True)
class Rule:
    """A rule of the policy, what is the case, and what it asks for.

    Attributes:
        name: What it is about.
        setting: NAME=value.
        now: The present facts, in a sentence.
        would: What it would do now, and why if that is not plain.
        act: What it asks for; None for nothing.
    """

    name: str
    setting: str
    now: str
    would: str
    act: Act | None = None


@dataclass(frozen=True)
class Decision:
    """What the policy does now.

    Attributes:
        now: The moment that it speaks of, UTC.
        rules: All of them.
        acts: In their order; the last one is the run.
    """

    now: datetime
    rules: Sequence[Rule]
    acts: Sequence[Act]

    @property
    def run(self) -> Act:
        """The run: train or score."""
        return self.acts[-1]

    def as_json(self) -> dict[str, Any]:
        """Returns plain values."""
        return asdict(self)


def decide(facts: Facts, settings: PolicySettings) -> Decision:
    """Decides what is done now.

    One thing at a time: where a model is withdrawn or promoted, this call scores, and the next
    one says whether to train.

    Args:
        facts: What is known.
        settings: The policy.
    """
    stages = [_rollback(facts, settings), _promotion(facts, settings)]
    acts = [rule.act for rule in stages if rule.act is not None][:1]
    proposals = list(_proposals(facts, settings))
    gap = _gap(facts, settings, [rule for rule in proposals if rule.act], staged=bool(acts))
    run = gap.act or Act(SCORE, _score_reason(facts))
    rules = [*stages, *proposals, gap, _daily(facts, run)]
    return Decision(facts.now, rules, [*acts, run])


def blind(now: datetime, problem: str) -> Decision:
    """Decides without facts: the daily score, which says itself what is wrong.

    Args:
        now: UTC.
        problem: Why nothing is known.
    """
    return Decision(now, (), [Act(SCORE, f"Nothing is known for a decision: {problem}")])


def _rollback(facts: Facts, settings: PolicySettings) -> Rule:
    setting = f"ROLLBACK={settings.rollback}, POLICY_ERROR={settings.policy_error:g}"
    name, leader, former = "roll back", facts.champion, facts.former
    if leader is None or former is None:
        lacking = "no champion" if leader is None else "no former champion to go back to"
        held = f"Nothing, since {facts.held_by}." if facts.held_by else "Nothing."
        return Rule(name, setting, f"There is {lacking}.", held)
    found, held = facts.against_former, _what_holds(facts, leader, settings)
    now = _compared_sentence(found, leader, former, "former champion")
    if held or found is None or not found.is_worse:
        return Rule(name, setting, now, held or "Nothing.")
    act = Act(
        WITHDRAW,
        f"{now} It is worse. {_chance(settings)}",
        leader.version,
        {"former_champion": former.version, **_numbers(found)},
        f"tens-insight models promote {leader.version}",
    )
    would = f"Withdraw {leader.version}; {former.version} scores again."
    return Rule(name, setting, now, would, act)


def _what_holds(facts: Facts, leader: KnownModel, settings: PolicySettings) -> str:
    """Says why a champion stays even if it is worse; empty if nothing holds it."""
    if settings.rollback == "off":
        return "Nothing, since ROLLBACK is off: `tens-insight models withdraw` does it."
    if facts.held_by:
        return f"Nothing, since {facts.held_by}."
    if leader.kept_by:
        return (
            f"Nothing, since {leader.kept_by} promoted it after the policy had withdrawn it: what "
            "a person decided holds."
        )
    return ""


def _promotion(facts: Facts, settings: PolicySettings) -> Rule:
    name, setting = "promote from shadow", f"POLICY_ERROR={settings.policy_error:g}"
    leader, challenger = facts.champion, facts.challenger
    if challenger is None:
        return Rule(name, setting, "No model runs in shadow.", "Nothing.")
    if leader is None:
        return Rule(name, setting, "There is no champion to compare it with.", "Nothing.")
    found = facts.against_champion
    now = _compared_sentence(found, challenger, leader, "champion")
    if found is None or not (found.is_better or found.is_worse):
        return Rule(name, setting, now, "Nothing: it stays in shadow.")
    if facts.held_by:
        return Rule(name, setting, now, f"Nothing, since {facts.held_by}.")
    if challenger.kept_by:
        return Rule(name, setting, now, f"Nothing, since {challenger.kept_by} decided about it.")
    numbers = {"champion": leader.version, **_numbers(found)}
    version = challenger.version
    if found.is_worse:
        reason = f"{now} It is worse. {_chance(settings)}"
        undo = f"tens-insight models promote {version}"
        act = Act(WITHDRAW, reason, version, numbers, undo)
        return Rule(name, setting, now, f"Withdraw {version}: it is worse.", act)
    reason = f"{now} It is better. {_chance(settings)}"
    act = Act(PROMOTE, reason, version, numbers, f"tens-insight models withdraw {version}")
    return Rule(name, setting, now, f"Promote {version}; it scores.", act)


def _chance(settings: PolicySettings) -> str:
    error = settings.policy_error
    return f"Were it not so, that would be found with a probability of {error:.1%} at most."


def _compared_sentence(
    found: Sequential | None, first: KnownModel, second: KnownModel, what: str
) -> str:
    if found is None:
        return f"{first.version} and the {what} {second.version} answer for other horizons."
    if not found.accounts:
        return (
            f"No window is closed yet for which both {first.version} and the {what} "
            f"{second.version} said something."
        )
    windows = "1 window" if found.windows == 1 else f"{found.windows} windows"
    return (
        f"Over {windows} with {found.accounts} accounts the mean squared error of {first.version} "
        f"is {found.mean:+.5f} [{found.low:+.5f}, {found.high:+.5f}] beside that of the {what} "
        f"{second.version}."
    )


def _numbers(found: Sequential) -> dict[str, Any]:
    names = ("mean", "low", "high", "accounts", "windows", "worse", "better", "error")
    return {name: _short(getattr(found, name)) for name in names}


def _short(number: float) -> float:
    return float(f"{number:.6g}") if isinstance(number, float) else number


def _proposals(facts: Facts, settings: PolicySettings) -> Iterator[Rule]:
    """Yields the rules that propose to train."""
    leader = facts.champion
    if leader is None:
        yield _rule("no champion", "", "No model scores.", True, {})
        return
    if leader.as_of is None:
        said = f"It is not known when {leader.version} was trained."
        yield Rule("age of the champion", "", said, "Nothing.")
        return
    age = (facts.now - leader.as_of) / _DAY
    yield _rule(
        "age of the champion",
        f"RETRAIN_AFTER_DAYS={settings.retrain_after_days}",
        f"{leader.version} is {age:.0f} days old.",
        age >= settings.retrain_after_days,
        {"age_days": round(age, 1)},
    )
    yield _settings_of_examples(facts, leader)
    yield _rule(
        "new outcomes",
        f"RETRAIN_AFTER_LEFT={settings.retrain_after_left}",
        f"{facts.left} accounts left since it learnt.",
        facts.left >= settings.retrain_after_left,
        {"accounts_left": facts.left},
    )
    yield _drift(facts, settings)
    yield _performance(facts)


def _rule(name: str, setting: str, now: str, holds: bool, evidence: dict[str, Any]) -> Rule:
    act = Act(TRAIN, now, evidence=evidence) if holds else None
    return Rule(name, setting, now, "Propose to train." if holds else "Nothing.", act)


def _settings_of_examples(facts: Facts, leader: KnownModel) -> Rule:
    name = "settings of the examples"
    if not facts.unlike:
        now = f"{leader.version} learnt with the population and labels that the settings ask for."
        return Rule(name, "", now, "Nothing.")
    then = ", ".join(f"{one.name.upper()}={one.learnt}" for one in facts.unlike)
    asked = ", ".join(f"{one.name.upper()}={one.asked}" for one in facts.unlike)
    now = f"{leader.version} learnt with {then}; the settings ask for {asked}."
    evidence = {one.name: {"learnt": one.learnt, "asked": one.asked} for one in facts.unlike}
    return _rule(name, asked, now, True, {"settings": evidence})


def _drift(facts: Facts, settings: PolicySettings) -> Rule:
    setting = f"RETRAIN_ON_DRIFT={str(settings.retrain_on_drift).lower()}"
    name, count = "features moved", len(facts.drift)
    if not count:
        return Rule(
            name, setting, "Monitoring has no alarm about the input since then.", "Nothing."
        )
    named = "; ".join(one.name for one in facts.drift[:_NAMED])
    more = f"; and {count - _NAMED} more" if count > _NAMED else ""
    since = min(one.opened_at for one in facts.drift)
    now = f"Monitoring has an alarm since {since:%Y-%m-%d}: {named}{more}."
    if not settings.retrain_on_drift:
        return Rule(name, setting, now, "Nothing, since RETRAIN_ON_DRIFT is false.")
    evidence = {"measures": [one.name for one in facts.drift[:10]], "since": since.isoformat()}
    return _rule(name, setting, now, True, evidence)


def _performance(facts: Facts) -> Rule:
    name, found = "performance fell", facts.performance
    if found is None:
        return Rule(name, "", "No window of the champion is closed yet.", "Nothing.")
    now = (
        f"Log-loss of publication {found.publication_id} of {found.as_of:%Y-%m-%d} came to "
        f"{found.value:.4f} [{found.low:.4f}, {found.high:.4f}]; estimated were "
        f"{found.foreseen:.4f} [{found.foreseen_low:.4f}, {found.foreseen_high:.4f}]."
    )
    evidence = {
        "publication_id": found.publication_id,
        "log_loss": [_short(one) for one in (found.low, found.value, found.high)],
        "estimated": [
            _short(one) for one in (found.foreseen_low, found.foreseen, found.foreseen_high)
        ],
    }
    return _rule(name, "", now, found.fell, evidence)


def _gap(facts: Facts, settings: PolicySettings, proposed: Sequence[Rule], *, staged: bool) -> Rule:
    """Returns the rule that lets one of the proposals through, or none."""
    name, least = "gap between trainings", settings.retrain_min_gap_days
    setting = f"RETRAIN_MIN_GAP_DAYS={least}"
    gap = (facts.now - facts.trained_as_of) / _DAY if facts.trained_as_of else None
    now = (
        "Nothing was trained yet." if gap is None else f"The last training was {gap:.0f} days ago."
    )
    if not proposed:
        return Rule(name, setting, now, "Nothing: no rule proposes to train.")
    if gap is not None and gap < least:
        return Rule(name, setting, now, "Hold training back until the gap is over.")
    if staged:
        return Rule(name, setting, now, "Hold training back: another model scores from now on.")
    if waited := _waiting_for(facts, settings):
        return Rule(name, setting, now, waited)
    evidence: dict[str, Any] = {}
    for rule in proposed:
        evidence |= rule.act.evidence if rule.act else {}
    reason = " ".join(rule.now for rule in proposed)
    return Rule(name, setting, now, "Let it train.", Act(TRAIN, reason, evidence=evidence))


def _waiting_for(facts: Facts, settings: PolicySettings) -> str:
    """Says which model in shadow training waits for; empty if for none.

    The newest one is compared, so a newer one would take its place, and windows close only
    after their horizon: each would be replaced before anything is known of it.
    """
    waiting = facts.challenger
    if waiting is None or waiting.as_of is None or facts.against_champion is None:
        return ""
    until = waiting.as_of + (waiting.horizon_days + settings.retrain_after_days) * _DAY
    if facts.now >= until:
        return ""
    return (
        f"Hold training back until {until:%Y-%m-%d}: a newer model would take the place of "
        f"{waiting.version} in shadow before enough is known of it."
    )


def _daily(facts: Facts, run: Act) -> Rule:
    would = "Train; that publishes too." if run.kind == TRAIN else "Score."
    return Rule("daily score", "", _score_reason(facts), would, run)


def _score_reason(facts: Facts) -> str:
    if facts.scored_as_of is None:
        return "Nothing was published yet."
    missing = " A run or more is missing (ALERT_RUN_EVERY_HOURS)." if facts.is_late else ""
    return f"The newest scores are of {facts.scored_as_of:%Y-%m-%d %H:%M} UTC.{missing}"
