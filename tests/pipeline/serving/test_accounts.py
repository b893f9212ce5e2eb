"""Accounts of the database are asked about together; what one of them lacks costs only itself."""

from collections.abc import Sequence
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.serving import accounts
from pipeline.serving.accounts import AccountQuestion, Answered, answer_accounts
from pipeline.serving.answers import Question
from pipeline.serving.database import Found
from pipeline.serving.examples import Asked
from pipeline.serving.problems import Problem

NOW = datetime(2026, 11, 30, 9, 15, tzinfo=timezone.utc)
CHAMPION: Any = SimpleNamespace(properties=SimpleNamespace(label_source="account_churn"))


def found(account: str, example: bytes | None = None, **changes: Any) -> Found:
    values = {"label_source": "account_churn", "has_left": False, **changes}
    return Found(NOW, example or account.encode(), published=None, **values)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Question]:
    """What the model was asked; it answers with the example, but fails for one."""
    asked: list[Question] = []

    def answer_all(questions: Sequence[Question]) -> list[dict[str, Any] | Exception]:
        asked.extend(questions)
        return [
            ValueError("no number") if one.example == b"d" else {"said": one.example}
            for one in questions
        ]

    monkeypatch.setattr(accounts, "answer_all", answer_all)
    return asked


def test_what_one_account_lacks_costs_only_itself(asked: list[Question]) -> None:
    gone = Problem(503, "unsound_feedback", "A row is unsound.")
    read = {
        "a": found("a"),
        "b": gone,
        "c": found("c", known={"said": "before"}),
        "d": found("d"),
        "e": found("e", label_source="inactivity"),
        "f": Found(NOW, None, "account_churn", True, None),
        "g": Found(NOW, None, "account_churn", False, None),
        "h": found("h"),
    }
    questions = [AccountQuestion(Asked(name), CHAMPION, name == "h") for name in read]
    results = answer_accounts(lambda wanted: [read[one.account_id] for one in wanted], questions)
    a, b, c, d, e, f, g, h = results
    assert a == Answered(read["a"], {"said": b"a"})  # type: ignore[arg-type]
    assert b is gone
    assert c == Answered(read["c"])  # type: ignore[arg-type]
    assert isinstance(d, ValueError)
    codes = [one.code if isinstance(one, Problem) else "" for one in (e, f, g)]
    assert codes == ["label_source", "not_scored", "unknown_account"]
    assert h == Answered(read["h"], {"said": b"h"})  # type: ignore[arg-type]
    assert [(one.example, one.reasons) for one in asked] == [
        (b"a", False),
        (b"d", False),
        (b"h", True),
    ]


def test_without_a_model_accounts_are_read_alone(asked: list[Question]) -> None:
    (result,) = answer_accounts(lambda wanted: [found("a")], [AccountQuestion(Asked("a"))])
    assert result == Answered(found("a"))
    assert not asked
