"""Two models share the accounts: each row is of the one that its account belongs to."""

import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from ml_metadata.proto import metadata_store_pb2

from components.account_scorer import inference
from components.account_scorer.config import AccountScorerConfig
from components.account_scorer.executor import Executor
from components.account_scorer.inference import read_shards
from components.account_scorer.split_sizes import split_sizes
from components.contributions.record import record_contributions
from components.contributions.retention import Retention
from components.contributions.shard_rows import SHARD_COLUMNS, contribution_rows
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.compare_table import compare_table
from components.publishing.publication_log import read_log
from components.publishing.split import Split
from components.publishing.undo import undo
from components.registry.artifacts import ModelSplit, PublishedScores
from components.registry.published_properties import PublishedScoresProperties
from components.registry.stages import SPLIT, StageTransition
from components.registry.transitions import TransitionProperties, name_of
from pipeline.cli import run_cli
from tests.components.exec_properties import exec_properties

AS_OF = datetime(2024, 6, 1, tzinfo=timezone.utc)
CONFIG = AccountScorerConfig(max_moved_share=0.0, moved_threshold=0.2)
SILENCE = {f"ACC-{number}": 30.0 + number for number in range(40)}
A, B = "20240601-abcdef01", "20240602-00000003"
SHARE = 0.4
DECIDED = StageTransition(3, SPLIT, A, 1_700_000_000_000, "ann@host", "", B, SHARE)
DIVIDED = Split(3, A, B, SHARE, DECIDED.salt)

Tables = Any
Make = Callable[..., Any]


@pytest.fixture(scope="module")
def make_examples(examples_of: Make, tmp_path_factory: pytest.TempPathFactory) -> Make:
    def make(**options: Any) -> Any:
        return examples_of(
            tmp_path_factory.mktemp("world") / "examples",
            [
                {"account_id": account, "created_at": AS_OF - timedelta(days=days)}
                for account, days in SILENCE.items()
            ],
            [("nobody", AS_OF - timedelta(days=1))],
            splits=["score"],
            label_source="account_churn",
            **options,
        )

    return make


@pytest.fixture(scope="module")
def examples(make_examples: Make) -> Any:
    return make_examples()


@pytest.fixture(scope="module")
def second(make_model: Make) -> Any:
    """Answers a quarter of what the first one does."""
    return make_model(scale=0.25, model_version=B)


def decision(decided: StageTransition = DECIDED) -> Any:
    proto = metadata_store_pb2.Artifact(name=name_of(decided))
    TransitionProperties(
        kind=decided.kind,
        model_version=decided.version,
        decided_at="2023-11-14T22:13:20.000+00:00",
        decided_by=decided.by,
        reason="",
        other_version=decided.other,
        share=decided.share,
    ).write(proto)
    found = ModelSplit()
    found.set_mlmd_artifact(proto)
    return found


@pytest.fixture
def score(beam_executor: Make, examples: Any, model: Any, tmp_path: Path) -> Make:
    def run(
        *, champion: Any = None, settings: Any = None, data: Any = examples, **beside: Any
    ) -> Any:
        scores = PublishedScores()
        scores.uri = str(tmp_path / f"scores-{len(list(tmp_path.iterdir()))}")
        inputs = {"examples": [data], "model": [champion or model]}
        inputs |= {key: [one] for key, one in beside.items()}
        properties = exec_properties(replace(CONFIG, **(settings or {})))
        beam_executor(Executor).Do(inputs, {"scores": [scores]}, properties)
        return scores.uri, PublishedScoresProperties.read(scores)

    return run


def rows(tables: Tables) -> dict[str, tuple[float, str]]:
    found = tables.execute(
        "SELECT account_id, churn_probability, model_version FROM account_risk_scores"
    )
    return {account: (probability, model) for account, probability, model in found}


def expected() -> dict[str, Any]:
    return {
        account: (
            pytest.approx(days / 100 * (0.25 if DIVIDED.is_second(account) else 1), rel=1e-6),
            DIVIDED.version(account),
        )
        for account, days in SILENCE.items()
    }


def compared(tables: Tables) -> Any:
    with closing(psycopg2.connect(tables.url)) as connection, connection.cursor() as cursor:
        log = read_log(cursor, ACCOUNT_RISK_SCORES)
        return compare_table(cursor, ACCOUNT_RISK_SCORES, log)


def test_each_account_is_scored_by_its_model(
    feedback: Tables,
    score: Make,
    second: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(inference, "EXPLAIN_BATCH", 7)
    monkeypatch.setenv("COLUMNS", "250")
    score()
    alone = rows(feedback)
    # Half of the accounts move far, since another model scores them: the breaker lets that pass.
    uri, facts = score(second_of_split=second, split=decision())
    assert rows(feedback) == expected()
    assert facts.model_version == A
    assert facts.scored_by == f"{A} and {B}, split 3"
    seconds = sum(map(DIVIDED.is_second, SILENCE))
    sizes = f"{len(SILENCE) - seconds} accounts by {A}, {seconds} by {B}"
    assert facts.split == f"split 3: {sizes}, which is to score 40%"
    assert facts.notes is None
    ((recorded,),) = feedback.execute(
        "SELECT split FROM tens_insight.publications WHERE split IS NOT NULL"
    )
    assert recorded == {
        "number": 3, "a": A, "b": B, "share": SHARE, "salt": DECIDED.salt,
        "accounts_a": len(SILENCE) - seconds, "accounts_b": seconds,
    }  # fmt: skip
    _check_details(feedback)
    _check_other_half(feedback)
    record_contributions(
        facts.publication_id,
        contribution_rows(read_shards(uri, SHARD_COLUMNS)),
        Retention(),
        patience_s=0,
    )
    assert compared(feedback).as_published
    _check_commands(capsys, sizes)
    score(second_of_split=second, split=decision())
    assert rows(feedback) == expected()
    undo(ACCOUNT_RISK_SCORES, reason="a test")
    assert rows(feedback) == expected()
    assert compared(feedback).as_published
    undone = undo(ACCOUNT_RISK_SCORES, reason="a test")
    assert undone.restored is not None
    assert rows(feedback) == alone


def _check_details(tables: Tables) -> None:
    details = tables.execute(
        "SELECT account_id, model_version, churn_by_horizon ->> '10', reasons IS NOT NULL "
        "FROM tens_insight.account_risk_details"
    )
    assert {one[0]: one[1] for one in details} == {one: DIVIDED.version(one) for one in SILENCE}
    assert all(one[3] for one in details)


def _check_other_half(tables: Tables) -> None:
    """What the other model says of each account is kept in shadow."""
    found = tables.execute(
        "SELECT account_id, model_version, role, probabilities[2] FROM tens_insight.shadow_scores "
        "JOIN tens_insight.shadow_models USING (publication_id, place)"
    )
    assert {one[0]: one[1:] for one in found} == {
        account: (
            A if DIVIDED.is_second(account) else B,
            "other half",
            pytest.approx(days / 100 * (1 if DIVIDED.is_second(account) else 0.25), rel=1e-6),
        )
        for account, days in SILENCE.items()
    }


def _check_commands(capsys: pytest.CaptureFixture[str], sizes: str) -> None:
    assert run_cli(["publications", "list"]) == 0
    assert f"{A} + {B}" in capsys.readouterr().out
    assert run_cli(["publications", "show", "2"]) == 0
    assert f"3: {sizes}" in capsys.readouterr().out
    assert run_cli(["publications", "diff", "1", "2", "--top", "0"]) == 0
    said = capsys.readouterr().out
    assert f"1      {len(SILENCE)} rows of {A}" in said
    assert f"rows of {B}" in said


def test_a_move_that_is_not_the_splits_still_opens_the_breaker(
    feedback: Tables, score: Make, second: Any, make_model: Make
) -> None:
    from components.errors import PublicationRefused

    score(second_of_split=second, split=decision())
    wild = make_model(scale=0.25, model_version=A)  # the first model answers otherwise
    with pytest.raises(PublicationRefused, match="move by more than 0.2"):
        score(champion=wild, second_of_split=second, split=decision())
    assert rows(feedback) == expected()


def test_a_model_that_may_not_score_leaves_its_accounts_to_the_other(
    feedback: Tables, score: Make, second: Any, model: Any, make_model: Make
) -> None:
    everybody = {"settings": {"max_moved_share": 1.0, "max_mean_shift": 1.0,
                              "max_category_shift": 1.0}}  # fmt: skip
    gone = make_model(scale=0.25, model_version=B)
    shutil.rmtree(Path(gone.uri) / "Format-Serving")
    for name, beside, said in (
        ("withdrawn", {}, f"{A} scored all accounts, since {B} was withdrawn"),
        ("gone", {"second_of_split": gone}, f"since {B} cannot: The files of"),
        (
            "unlike",
            {"second_of_split": make_model(model_version=B, horizon_days=20)},
            "horizon_days was 20 and is 10",
        ),
        (
            "other groups",
            {"second_of_split": make_model(model_version=B, reason_groups="silence")},
            "reason_groups of the models are",
        ),
        (
            "no number",
            {"second_of_split": make_model(model_version=B, nan=_one_of_second())},
            f"since {B} answers with what cannot be published",
        ),
    ):
        _, facts = score(split=decision(), **beside, **everybody)
        (note,) = facts.notes
        assert said in note, name
        assert {one[1] for one in rows(feedback).values()} == {A}, name
        assert (facts.scored_by, facts.split) == (None, None)
    # The first one is withdrawn: the second is champion by then, and the resolver finds no other.
    _, facts = score(champion=second, split=decision(), **everybody)
    assert facts.notes == (
        f"Split 3 of {A} and {B}: {B} scored all accounts, since {A} was withdrawn, or its files "
        "are damaged.",
    )
    assert {one[1] for one in rows(feedback).values()} == {B}


def test_a_second_model_that_breaks_in_a_worker_leaves_its_accounts_too(
    feedback: Tables, score: Make, make_model: Make, make_examples: Make
) -> None:
    broken = make_model(scale=0.25, model_version=B, nan=_one_of_second())
    several = make_examples(rows_per_bucket=15)
    assert len(list((Path(several.uri) / "Split-score").iterdir())) > 1
    _, facts = score(data=several, second_of_split=broken, split=decision())
    (note,) = facts.notes
    assert f"since {B} answers with what cannot be published" in note
    assert len(rows(feedback)) == len(SILENCE)
    assert {one[1] for one in rows(feedback).values()} == {A}


def _one_of_second() -> str:
    return next(account for account in SILENCE if DIVIDED.is_second(account))


def test_sizes_that_are_no_accident_are_told() -> None:
    sizes = split_sizes(DIVIDED, [A] * 600 + [B] * 400)
    assert sizes.notes == ()
    sizes = split_sizes(DIVIDED, [A] * 690 + [B] * 310)
    (note,) = sizes.notes
    assert "310 of 1000 accounts were scored by" in note
    assert split_sizes(None, None).sentence == ""
