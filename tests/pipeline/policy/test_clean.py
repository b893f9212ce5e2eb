"""What cleaning up removes, what it never does, and what a kill in the middle leaves."""

import os
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from components.registry.stages import ACCEPT, PIN, REJECT, WITHDRAW
from pipeline.policy import remove as remove_module
from pipeline.policy.clean import Plan, plan
from pipeline.policy.remove import remove, remove_left_over
from pipeline.registry.change_stage import decide
from pipeline.registry.registry import Registry
from pipeline.settings import load_settings
from tests.pipeline.policy.conftest import END, SCORE, TRAIN, Yard

FEW = {"keep_runs": 2, "keep_days": 1, "keep_models": 2}


def planned(yard: Yard, published: tuple[str, ...] = (), **settings: Any) -> Plan:
    found = yard.settings(**{**FEW, **settings})
    return plan(
        yard.registry(),
        yard.root,
        found.logs_dir,
        found.policy,
        now=END,
        published=published,
    )


def cleaned(yard: Yard, published: tuple[str, ...] = (), **settings: Any) -> set[str]:
    """Cleans up, and returns the names of the models whose files are there."""
    remove(planned(yard, published, **settings), yard.registry())
    return with_files(yard)


def with_files(yard: Yard) -> set[str]:
    registry = yard.registry()
    return {
        one.properties.model_version
        for one in registry.models()
        if (Path(one.uri) / "below").is_dir()
    }


def of_node(yard: Yard, node: str) -> set[str]:
    return {name for name in yard.folders() if f"/{node}/" in name}


def test_the_newest_models_and_runs_stay_and_the_rest_goes(quarter: Callable[[], Yard]) -> None:
    yard = quarter()
    before = len(yard.folders())
    assert cleaned(yard) == set(yard.versions[-2:])
    assert len(of_node(yard, "AccountScorer")) == 2
    assert len(of_node(yard, "StatisticsGen")) == 2
    assert len(yard.folders()) < before / 3
    pushed = {path.name for path in (yard.folder / "serving" / "churn").iterdir()}
    assert len(pushed) == 2


def test_what_is_used_stays_whatever_its_age(quarter: Callable[[], Yard]) -> None:
    yard = quarter()
    pinned, published, promoted = yard.versions[1], yard.versions[3], yard.versions[5]
    decide(yard.registry(), "promote", promoted)
    decide(yard.registry(), PIN, pinned)
    kept = cleaned(yard, published=(published,))
    newest = set(yard.versions[-2:])
    assert kept == {pinned, published, promoted, *newest}


def test_the_former_champion_stays_though_all_newer_ones_were_withdrawn(
    quarter: Callable[[], Yard],
) -> None:
    yard = quarter()
    for version in yard.versions[4:]:
        decide(yard.registry(), WITHDRAW, version, "bad")
    champion, former = yard.versions[3], yard.versions[2]
    assert {champion, former} <= cleaned(yard)
    leader = yard.registry().champion()
    assert leader is not None
    assert leader.properties.model_version == champion


def test_a_model_in_shadow_stays(yard: Yard) -> None:
    for week in range(6, -1, -1):
        yard.train(END - timedelta(weeks=week), shadow=week == 3)
    assert yard.versions[3] in cleaned(yard)


def test_an_accepted_model_stays_and_scores_until_a_newer_one_is_blessed(yard: Yard) -> None:
    thin = yard.train(END - timedelta(weeks=7), blessed=False, acceptable=True)
    refused = yard.train(END - timedelta(weeks=6), blessed=False)
    decide(yard.registry(), ACCEPT, thin, "enough to begin with")
    for week in range(5, 2, -1):
        yard.train(END - timedelta(weeks=week), blessed=False)
        leader = yard.registry().champion()
        assert leader is not None
        assert leader.properties.model_version == thin
    for week in range(2, -1, -1):
        yard.train(END - timedelta(weeks=week))
    leader = yard.registry().champion()
    assert leader is not None
    assert leader.properties.model_version == yard.versions[-1]
    kept = cleaned(yard)
    assert thin in kept
    assert refused not in kept


def test_models_that_people_named_stay(quarter: Callable[[], Yard]) -> None:
    yard = quarter()
    watched, first, second = yard.versions[0], yard.versions[2], yard.versions[4]
    decide(yard.registry(), "shadow", watched)
    decide(yard.registry(), "split", first, other=second, share=0.5)
    for version in yard.versions[-3:]:
        decide(yard.registry(), WITHDRAW, version, "bad")
    former = yard.versions[-4]  # of both models that are published
    assert {watched, first, second, former} <= cleaned(yard, keep_models=1)


def test_a_model_whose_files_go_can_be_champion_no_more(quarter: Callable[[], Yard]) -> None:
    yard = quarter()
    gone = set(yard.versions) - cleaned(yard)
    transitions = yard.registry().transitions()
    withdrawn = {one.version for one in transitions if one.kind == WITHDRAW}
    assert withdrawn == gone
    assert all(one.by.startswith("policy (") for one in transitions)


def test_decisions_and_open_reviews_stay_and_signed_ones_go(quarter: Callable[[], Yard]) -> None:
    yard = quarter()
    signed, refused = yard.versions[0], yard.versions[1]
    decide(yard.registry(), REJECT, signed, "no", name="Ann")
    decide(yard.registry(), WITHDRAW, refused, "bad")
    cleaned(yard)
    decisions = list(yard.root.glob(f"{TRAIN}/ModelGate/blessing/*/decision.json"))
    assert len(decisions) == len(yard.versions)
    assert len(of_node(yard, "ModelReview")) == len(yard.versions) - 2
    assert not planned(yard).removals


def test_what_is_younger_than_the_days_stays(quarter: Callable[[], Yard]) -> None:
    yard = quarter()
    cleaned(yard, keep_days=15)
    assert len(of_node(yard, "AccountScorer")) == 4
    assert len(of_node(yard, "StatisticsGen")) == 3


def test_the_statistics_that_a_score_compares_with_stay(yard: Yard) -> None:
    yard.train(END - timedelta(days=60))
    for version in range(4):
        yard.train(END - timedelta(days=50 - version), blessed=False)
    newest = max(of_node(yard, "StatisticsGen"), key=lambda name: int(name.rpartition("/")[2]))
    cleaned(yard, keep_runs=1)
    assert newest in yard.folders()


def test_a_plan_changes_nothing(quarter: Callable[[], Yard]) -> None:
    yard = quarter()
    before = yard.folders()
    found = planned(yard)
    assert found.removals
    assert yard.folders() == before
    assert yard.registry().transitions() == []
    assert found.size == sum(one.size for one in found.removals) > 0


def test_folders_that_no_run_knows_go_with_the_rest(quarter: Callable[[], Yard]) -> None:
    yard = quarter()
    lost = yard.root / SCORE / "AccountScorer" / "scores" / "99999"
    (lost / "Split").mkdir(parents=True)
    cleaned(yard)
    assert not lost.exists()


@pytest.mark.parametrize("after", [0, 7, 30])
def test_killed_in_the_middle_nothing_is_half_there_and_the_next_time_goes_on(
    quarter: Callable[[], Yard], monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    yard = quarter()
    whole = planned(yard)
    calls = 0

    class Killed(BaseException):
        pass

    def broken(path: Path, *rest: Any, **options: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > after:
            (Path(path) / "below" / "data").unlink(missing_ok=True)  # half of it is gone
            raise Killed
        shutil_rmtree(path, *rest, **options)

    shutil_rmtree = shutil.rmtree
    monkeypatch.setattr(remove_module.shutil, "rmtree", broken)
    with pytest.raises(Killed):
        remove(whole, yard.registry())
    for name in of_node(yard, "ModelTrainer"):  # whole, or not there by its name
        if "/.removed-" not in name:
            assert (yard.root / name / "below" / "data").is_file()
    leader = yard.registry().champion()
    assert leader is not None
    assert (Path(leader.uri) / "below" / "data").is_file()
    monkeypatch.setattr(remove_module.shutil, "rmtree", shutil_rmtree)
    remove_left_over(yard.root, yard.folder / "serving" / "churn")
    assert cleaned(yard) == set(yard.versions[-2:])
    assert not list(yard.root.rglob(".removed-*"))


def test_old_logs_go_and_the_newest_of_each_kind_stay(yard: Yard) -> None:
    folder = yard.folder / "logs"
    folder.mkdir()
    long_ago = time.time() - 40 * 86_400
    for kind in ("train", "score"):
        for day in range(5):
            path = folder / f"{kind}-2026010{day}T000000.000-aaaa.log"
            path.write_text("x")
            os.utime(path, (long_ago, long_ago))
    (folder / "score-20260108T000000.000-bbbb.log").write_text("young")
    cleaned(yard)
    left = sorted(path.name[:14] for path in folder.iterdir())
    assert left == ["score-20260104", "score-20260108", "train-20260103", "train-20260104"]


def test_nothing_was_ever_run(tmp_path: Path) -> None:
    settings = load_settings(state_dir=tmp_path / "none")
    found = plan(
        Registry(settings.metadata_path),
        settings.pipeline_root,
        settings.logs_dir,
        settings.policy,
        now=END,
        published=(),
    )
    assert found == Plan()
