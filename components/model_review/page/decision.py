"""What stands first: the decision, what it is about, the models and the checks of the gate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from components.feedback_example_gen.request import ACCOUNT_CHURN, INACTIVITY
from components.model_gate.decision_file import CHALLENGER, CHAMPION
from components.model_gate.gate_check import OVERALL, GateCheck
from components.model_review.page import cells, words
from components.model_review.page.changes import failing_checks
from components.model_review.page.charts.models import named
from components.model_review.page.signature import signature_block
from components.model_review.page.slices import slice_words
from components.model_review.page.words import absent, against
from components.model_review.review import Review
from components.model_review.sections.decision import (
    BLESSED,
    NOT_BLESSED,
    RUN_FAILED,
    STOPPED,
    Decision,
    Head,
)
from components.page import numbers
from components.page.blocks import (
    BAD,
    GOOD,
    WARN,
    Absent,
    Badge,
    Block,
    Cell,
    Noted,
    Row,
    Table,
)
from components.page.words import sentence
from components.verdicts import FAILED, PASSED, SKIPPED
from serving_model.evaluation.metrics import METRICS

_TONES: Final = {BLESSED: GOOD, NOT_BLESSED: BAD, STOPPED: BAD, RUN_FAILED: BAD}
_LABELS: Final = {
    ACCOUNT_CHURN: "a churn date (account_churn)",
    INACTIVITY: "no feedback (inactivity)",
}
_DASH: Final = "\N{EN DASH}"
_HEADING: Final = "Checks of the gate"
_COLUMNS: Final = ("Check", "Accounts", "Value#", "95% interval#", "Threshold", "Verdict")


@dataclass(frozen=True)
class Checks:
    """What was checked.

    Attributes:
        heading: Which gate's checks these are.
        counted: How many there were, by verdict.
        blocks: The checks.
    """

    heading: str
    counted: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class FirstScreen:
    """What is read before anything else.

    Attributes:
        title: Title of the page.
        badge: The decision in a word or two.
        sentence: Why.
        consequence: What scores the accounts now.
        way_out: What would change the verdict on a refused challenger; empty where it was not.
        facts: What the report is about, by name.
        models: Champion and challenger.
        checks: Checks of the gate; of the data gate where that stopped the run.
        to_sign: How a reviewer signs, or why there is nothing to approve.
        signatures: The place for that, at the end of the page.
    """

    title: str
    badge: Badge
    sentence: str
    consequence: str
    way_out: str
    facts: tuple[tuple[str, str], ...]
    models: Block
    checks: Checks
    to_sign: str
    signatures: Markup


def first_screen(review: Review) -> FirstScreen:
    """Returns what stands first."""
    decision, version = review.decision, review.head.model_version
    why = decision.sentence.removeprefix(f"{decision.kind.upper()}: ")
    return FirstScreen(
        title=f"Model {version}" if version else "A run without a model",
        badge=Badge(decision.kind, _TONES.get(decision.kind, WARN)),
        sentence=sentence(words.plain(why)),
        consequence=decision.consequence,
        way_out=words.plain(decision.way_out),
        facts=_facts(review.head),
        models=_models(review),
        checks=checks_of(review),
        to_sign=_to_sign(decision, version),
        signatures=Markup(signature_block(())),
    )


def _to_sign(decision: Decision, version: str | None) -> str:
    """Says whether the model can be approved, and how to sign."""
    if version is None:
        return "The run trained no model, so there is nothing to approve."
    command = f"tens-insight models review {version}"
    if decision.kind == BLESSED:
        return (
            f'To sign: {command} --approve --by "NAME" --note "WHY", or --reject. It is kept with '
            "the model and written here."
        )
    return (
        f"This model cannot be approved: it is {decision.kind}. {command} --reject --by "
        '"NAME" --note "WHY" records that it was looked at.'
    )


def _facts(head: Head) -> tuple[tuple[str, str], ...]:
    return (
        ("As of", numbers.moment(head.as_of)),
        ("Churn means", _label(head)),
        ("Lookback", _days(head.lookback_days)),
        ("Evaluation cutoff", numbers.moment(head.eval_cutoff)),
        ("Evaluation set", _sizes(head)),
        ("Compared with", _compared_with(head)),
    )


def _compared_with(head: Head) -> str:
    if head.model_version is None:
        return "nothing: the run trained no model"
    if head.champion_version is None:
        return "no champion: there was none"
    return f"the champion {head.champion_version}"


def _label(head: Head) -> str:
    if not head.label_source:
        return numbers.NOT_KNOWN
    source = _LABELS.get(head.label_source, head.label_source)
    return f"{source} within {_days(head.horizon_days)}"


def _days(days: int | None) -> str:
    if days is None:
        return "an unknown time"
    return numbers.counted(days, "day", "days")


def _sizes(head: Head) -> str:
    if head.accounts is None:
        return numbers.NOT_KNOWN
    accounts = numbers.counted(head.accounts, "account", "accounts")
    if head.churned is None:
        return accounts
    share = f" ({numbers.share(head.churned / head.accounts)})" if head.accounts else ""
    return f"{accounts}, of which {numbers.count(head.churned)} left{share}"


def _models(review: Review) -> Block:
    if review.performance is None:
        why = absent(review, "performance", "The run measured no model.").why
        return Absent(why, "Champion and challenger")
    shown = [one for one in review.performance.metrics if one.model in (CHALLENGER, CHAMPION)]
    rows: list[tuple[Cell, ...]] = [cells.metrics(one) for one in shown]
    if any(one.model == CHAMPION for one in shown):
        rows.append(("difference", *(_difference(review, name) for name in METRICS)))
    else:
        rows.append((Noted(named(CHAMPION), "there was none"), *(_DASH,) * len(METRICS)))
    return Table.of("Champion and challenger, with 95% intervals", cells.MODEL_COLUMNS, rows)


def _difference(review: Review, metric: str) -> Cell:
    found = against(review, metric, CHAMPION)
    if found is None:
        return _DASH
    verdict = words.judged(found, not METRICS[metric].higher_is_better)
    return Noted(numbers.difference(found.value), verdict)


def checks_of(review: Review) -> Checks:
    """Returns the checks that the decision rests on."""
    if review.checks:
        return Checks(_HEADING, checks_counted(review.checks), tuple(_tables(review.checks)))
    failing = failing_checks(review, "Checks that stopped the run or warned")
    if review.decision.kind == STOPPED and failing:
        said = "The data gate stopped the run before there was a model to judge."
        return Checks("Failed checks of the data gate", said, (failing,))
    why = Absent("The run ended before the gate could judge a model.")
    return Checks(_HEADING, "No check was made.", (why,))


def checks_counted(checks: Sequence[GateCheck]) -> str:
    """Counts them by verdict, such as `34 checks: 30 passed, 1 failed, 3 skipped.`."""
    return f"{numbers.counted(len(checks), 'check', 'checks')}: {_by_verdict(checks)}."


def _by_verdict(checks: Sequence[GateCheck]) -> str:
    return ", ".join(
        f"{numbers.count(sum(one.verdict == word for one in checks))} {word}"
        for word in (PASSED, FAILED, SKIPPED)
    )


def _tables(checks: Sequence[GateCheck]) -> list[Table]:
    """Makes a table of all that failed and of all accounts; passed slices are folded away."""
    first = [one for one in checks if one.verdict == FAILED]
    first += [one for one in checks if one.verdict != FAILED and one.slice == OVERALL]
    rest = [one for one in checks if one.verdict != FAILED and one.slice != OVERALL]
    tables = [
        Table.of("Checks on all accounts, and failed checks on slices", _COLUMNS, map(_row, first))
    ]
    if rest:
        said = f"Checks on slices: {_by_verdict(rest)}"
        tables.append(Table.of(said, _COLUMNS, map(_row, rest), folded=True))
    return tables


def _note(one: GateCheck) -> str:
    """Returns of the message what the row does not say: how far it failed, or why it was left."""
    if one.verdict == PASSED:
        return ""
    whole = words.plain(one.message)
    if one.verdict == FAILED:
        _, missed, by = whole.rpartition("missed by ")
        return missed + by if missed else whole
    return whole.partition(" churned): ")[2] or whole


def _row(one: GateCheck) -> Row:
    name = words.plain(one.name)
    sizes = f"{numbers.count(one.accounts)}, {numbers.count(one.churned)} churned"
    found = (
        Noted(name, note) if (note := _note(one)) else name,
        sizes if one.slice == OVERALL else Noted(slice_words(one.slice), sizes),
        _DASH if one.value is None else numbers.metric(one.value),
        numbers.ends(one.interval) or _DASH,
        one.threshold,
        cells.verdict(one.verdict),
    )
    return Row(found, BAD if one.verdict == FAILED else "")
