"""What `db check` prints."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from components.feedback_example_gen.config import BACK
from components.registry.input_properties import Split
from pipeline.checks.facts import FeedbackFacts
from pipeline.checks.finding import Finding


def check_lines(
    database: str, facts: FeedbackFacts | None, findings: Sequence[Finding]
) -> Iterator[str]:
    """Yields the lines for people.

    Args:
        database: user@host:port/dbname.
        facts: What was read; None if nothing was.
        findings: Of all checks.
    """
    yield _line("database", database)
    if facts is not None:
        yield from _facts(facts)
    for finding in findings:
        kind = "problem" if finding.is_problem else "warning"
        yield _line(kind, finding.said)
    if not any(finding.is_problem for finding in findings):
        yield "All is well." if not findings else "No problem that stops a run."


def check_as_json(
    database: str, facts: FeedbackFacts | None, findings: Sequence[Finding], code: int
) -> dict[str, Any]:
    """Returns the same as plain values.

    Args:
        database: user@host:port/dbname.
        facts: What was read; None if nothing was.
        findings: Of all checks.
        code: The exit code.
    """
    return {
        "database": database,
        "exit": code,
        "problems": [str(finding.error) for finding in findings if finding.is_problem],
        "warnings": [str(finding.error) for finding in findings if not finding.is_problem],
        "findings": [
            {
                "check": finding.check,
                "error": type(finding.error).__name__,
                "message": str(finding.error),
                "stops": finding.stops.name.lower(),
                "sampled": finding.sampled,
                "undecided": finding.undecided,
            }
            for finding in findings
        ],
        "facts": asdict(facts) if facts else None,
    }


def _facts(facts: FeedbackFacts) -> Iterator[str]:
    rows = f"{facts.rows} rows"
    if facts.sampled_rows is not None:
        rows = f"about {facts.rows} rows, judged by a sample of {facts.sampled_rows}"
    yield _line("feedback", rows)
    shares = f"{facts.share_without_account:.1%} without account_id"
    yield _line("", f"{shares}, {facts.rows_in_future} in the future")
    if facts.rows_without_date:
        odd = f"{facts.rows_without_date} without a possible date (NULL, infinite, a zero date)"
        yield _line("", f"{odd}, read by nothing")
    if facts.history_begins and facts.newest:
        begins, newest = f"{facts.history_begins:%Y-%m-%d}", f"{facts.newest:%Y-%m-%d}"
        yield _line("history", f"of accounts, {begins} to {newest}")
    if facts.rows_before_history:
        yield _line("", f"{facts.rows_before_history} rows lie before it and do not count as it")
    if facts.accounts is not None:
        told = f"{facts.accounts} with feedback"
        if facts.sampled_rows is not None:
            told = f"{facts.accounts} looked at, of more"
        yield _line("accounts", told)
    for name, split in facts.splits.items():
        churned = f", {split.churned} churned" if name != "score" else ""
        yield _line(name, f"{split.examples} examples{churned}")
    if (scored := facts.splits.get("score")) is not None:
        yield from _population(facts, scored)
    present = "present" if facts.churn_table_present else "absent, the label would be inactivity"
    yield _line("ground truth", f"{facts.churn_table}: {present}")
    if facts.truth is not None:
        age = facts.truth.age_days
        newest = "" if age is None else f", the newest {age} days old"
        yield _line("", f"{facts.truth.rows} rows that count{newest}")
        yield _line("", f"{facts.truth.rows_unmatched} of them match no account")
    for note in facts.notes:
        yield _line("note", note)


def _population(facts: FeedbackFacts, scored: Split) -> Iterator[str]:
    if facts.active_within_days is not None and scored.silent is not None:
        said = f"{scored.silent} accounts are silent for more than {facts.active_within_days} days"
        yield _line("", f"{said} and have no churn date since")
    if scored.returned:
        became = "they are back" if facts.rows_after_churn == BACK else "their churn is final"
        yield _line(
            "", f"{scored.returned} accounts have feedback after their churn date: {became}"
        )


def _line(name: str, text: str) -> str:
    return f"{name:<14}{text}"
