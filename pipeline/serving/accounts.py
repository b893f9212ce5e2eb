"""Accounts of the database: read, and the model asked about them, by one thread.

Between the two nothing is handed to another thread: about a single account that would take as long
as what is handed over.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.serving.answers import Question, answer_all
from pipeline.serving.champion import Champion
from pipeline.serving.database import Found
from pipeline.serving.examples import Asked
from pipeline.serving.lookup import published_values
from pipeline.serving.problems import Problem


@dataclass(frozen=True)
class AccountQuestion:
    """An account of the database that is asked about.

    Attributes:
        asked: What to read.
        champion: Whom to ask; None to read alone.
        reasons: Whether to say why.
    """

    asked: Asked
    champion: Champion | None = None
    reasons: bool = False


@dataclass(frozen=True)
class Answered:
    """What the database has of an account, and what the model says; None where it was not asked."""

    found: Found
    answer: dict[str, Any] | None = None


def answer_accounts(
    read: Callable[[Sequence[Asked]], Sequence[Found | Exception]],
    accounts: Sequence[AccountQuestion],
) -> list[Answered | Exception]:
    """Answers about accounts; what fails for one of them is its result.

    Args:
        read: Reads accounts, as Database.read does.
        accounts: What is asked.

    Raises:
        Problem: The database does not answer, or refuses.
    """
    questions: dict[int, Question] = {}
    results: list[Answered | Exception] = []
    for one, found in zip(accounts, read([one.asked for one in accounts]), strict=True):
        try:
            if isinstance(found, Exception):
                raise found
            if one.champion is not None and found.known is None:
                example = _example_of(one.asked.account_id, found, one.champion)
                questions[len(results)] = Question(one.champion, example, one.reasons)
            results.append(Answered(found))
        except Problem as problem:
            results.append(problem)
    for place, answer in zip(questions, answer_all(list(questions.values())), strict=True):
        answered = results[place]
        assert isinstance(answered, Answered)
        if isinstance(answer, Exception):
            results[place] = answer
        else:
            results[place] = replace(answered, answer=answer)
    return results


def _example_of(account_id: str, found: Found, champion: Champion) -> bytes:
    if found.label_source != champion.properties.label_source:
        raise Problem(
            503,
            "label_source",
            f"The champion learnt from {champion.properties.label_source}, and the database now "
            f"says by {found.label_source} who has left. Train again, or restore the table.",
        )
    if found.example is not None:
        return found.example
    if found.has_left:
        raise not_scored(account_id=account_id, published=published_values(found.published))
    raise Problem(
        404,
        "unknown_account",
        "No feedback before as_of names this account: check its spelling; ids are compared as "
        "they are.",
        account_id=account_id,
        as_of=found.as_of.isoformat(),
    )


def not_scored(**facts: Any) -> Problem:
    """Says that an account is not scored.

    Args:
        **facts: Further values for programs.
    """
    return Problem(
        404,
        "not_scored",
        "The account has feedback, but is not scored: by its churn date or its silence it has "
        "left.",
        **facts,
    )
