"""What stands first: the decision, what it is about, and every check of the gate."""

from dataclasses import dataclass
from typing import Final

from components.model_gate.gate_check import FAILED as CHECK_FAILED
from components.model_gate.gate_check import PASSED, SKIPPED
from components.model_gate.overall_checks import CHALLENGER, CHAMPION
from components.model_review.page import cells, numbers, words
from components.model_review.page.blocks import (
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
from components.model_review.page.charts.models import named
from components.model_review.page.found import absent, against
from components.model_review.page.sections.data_gate import failing_checks
from components.model_review.page.sections.worse import slice_words
from components.model_review.review import (
    BLESSED,
    FAILED,
    NOT_BLESSED,
    STOPPED,
    Check,
    Head,
    Review,
)

_TONES: Final = {BLESSED: GOOD, NOT_BLESSED: BAD, STOPPED: BAD, FAILED: BAD}
_LABELS: Final = {
    "account_churn": "a churn date in account_churn",
    "inactivity": "silence, in place of a churn date",
}


@dataclass(frozen=True)
class FirstScreen:
    """What is read before anything else.

    Attributes:
        title: Of the page.
        badge: The decision in a word or two.
        sentence: Why.
        consequence: What scores the accounts now.
        facts: What the report is about, by name.
        models: Champion beside challenger.
        checks_heading: What was checked.
        checks_counted: How many there were, by verdict.
        checks: One by one.
    """

    title: str
    badge: Badge
    sentence: str
    consequence: str
    facts: tuple[tuple[str, str], ...]
    models: Block
    checks_heading: str
    checks_counted: str
    checks: Block


def first_screen(review: Review) -> FirstScreen:
    """Returns what stands first."""
    decision, head = review.decision, review.head
    heading, counted, checks = _checks(review)
    prefix = f"{decision.kind.upper()}: "
    return FirstScreen(
        title=f"Model {head.model_version}" if head.model_version else "No model came of this run",
        badge=Badge(decision.kind, _TONES.get(decision.kind, WARN)),
        sentence=words.sentence(decision.sentence.removeprefix(prefix)),
        consequence=decision.consequence,
        facts=_facts(head),
        models=_models(review),
        checks_heading=heading,
        checks_counted=counted,
        checks=checks,
    )


def _facts(head: Head) -> tuple[tuple[str, str], ...]:
    days = {True: "not known"}
    horizon = days.get(head.horizon_days is None) or f"within {head.horizon_days} days"
    label = _LABELS.get(head.label_source, head.label_source)
    return (
        ("As of", numbers.moment(head.as_of)),
        ("Leaving means", f"{label}, {horizon}" if label else numbers.NOT_KNOWN),
        ("Looks back", f"{head.lookback_days} days" if head.lookback_days else numbers.NOT_KNOWN),
        ("Evaluated at the cutoff", numbers.moment(head.eval_cutoff)),
        ("Evaluated on", _sizes(head)),
        ("Compared with", head.champion_version or "no champion: there was none"),
    )


def _sizes(head: Head) -> str:
    if head.accounts is None:
        return numbers.NOT_KNOWN
    accounts = numbers.counted(head.accounts, "account", "accounts")
    if head.churned is None:
        return accounts
    share = numbers.share(head.churned / head.accounts) if head.accounts else numbers.NOT_KNOWN
    return f"{accounts}, {numbers.count(head.churned)} of which left ({share})"


def _models(review: Review) -> Block:
    if review.quality is None:
        return absent(review, "quality", "The run measured no model.")
    shown = [one for one in review.quality.metrics if one.model in (CHALLENGER, CHAMPION)]
    rows: list[tuple[Cell, ...]] = [cells.metrics(one) for one in shown]
    if len(shown) > 1:
        rows.append(("difference", *(_difference(review, name) for name in _COMPARED)))
    else:
        rows.append(
            (named(CHAMPION), Noted("none", "there was no champion"), *("\N{EN DASH}",) * 3)
        )
    return Table.of("Champion beside challenger, with 95% intervals", cells.METRICS, rows)


_COMPARED: Final = ("auc", "pr_auc", "log_loss", "calibration_error")


def _difference(review: Review, metric: str) -> Cell:
    found = against(review, metric, CHAMPION)
    if found is None:
        return "\N{EN DASH}"
    verdict = words.judged(found, lower_is_better=metric == "log_loss")
    return Noted(numbers.difference(found.value), verdict)


def _checks(review: Review) -> tuple[str, str, Block]:
    if review.checks:
        ordered = sorted(review.checks, key=lambda one: one.verdict != CHECK_FAILED)
        table = Table.of(
            "Checks of the gate, the failed ones first",
            ("Check", "Slice", "Value#", "95% interval#", "Bar", "Verdict"),
            map(_check, ordered),
        )
        return "Checks of the gate", checks_counted(review.checks), table
    failing = failing_checks(review)
    if review.decision.kind == STOPPED and failing:
        said = "The data gate stopped the run, so no model was judged. What it found:"
        return "Checks of the data gate that did not pass", said, failing
    why = Absent("The run ended before the gate could judge a model.")
    return "Checks of the gate", "None were made.", why


def checks_counted(checks: tuple[Check, ...]) -> str:
    """Returns such as `34 checks: 30 passed, 1 failed, 3 skipped`."""
    counts = {
        word: sum(one.verdict == word for one in checks) for word in (PASSED, CHECK_FAILED, SKIPPED)
    }
    said = ", ".join(f"{numbers.count(count)} {word}" for word, count in counts.items())
    return f"{numbers.counted(len(checks), 'check', 'checks')}: {said}."


def _check(one: Check) -> Row:
    name = one.name.replace("_", " ")
    shown: Cell = name if one.verdict == PASSED else Noted(name, one.message)
    sizes = f"{numbers.counted(one.accounts, 'account', 'accounts')}, "
    sizes += f"{numbers.count(one.churned)} left"
    found = (
        shown,
        Noted(slice_words(one.slice), sizes),
        numbers.metric(one.value) if one.value is not None else "\N{EN DASH}",
        numbers.ends(one.interval) or "\N{EN DASH}",
        one.bar,
        cells.verdict(one.verdict),
    )
    return Row(found, BAD if one.verdict == CHECK_FAILED else "")
