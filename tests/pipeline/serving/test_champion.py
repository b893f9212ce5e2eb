"""The model that answers is the registry's champion, whatever happens to models meanwhile."""

import gc
import shutil
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from components.registry.rule_files import rule_folder
from components.registry.store_identity import read_store, write_store
from pipeline.registry.change_stage import decide
from pipeline.serving import champion as followed
from pipeline.serving.champion import Follower
from pipeline.settings import load_settings
from serving_model.served.interface import EXPLAIN, SERVING
from serving_model.served.model_card import write_card
from serving_model.served.model_hash import saved_model_sha256
from tests.components.account_scorer.conftest import CARD, REASONS, SilenceModel
from tests.components.sample_properties import SCORES
from tests.environment import unset_settings
from tests.pipeline.registry.conftest import Shelf, make_shelf
from transforms.cold_start_rule import rule_version

FITS = {
    "lookback_days": 180,
    "horizon_days": 60,
    "max_events": 500,
    "duplicate_events": "collapse",
    "label_source": "account_churn",
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "Format-Serving"
    module = SilenceModel()
    signatures = {SERVING: module.serve, EXPLAIN: module.explain}
    tf.saved_model.save(module, str(folder), signatures=signatures)
    return folder


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    unset_settings(monkeypatch)
    monkeypatch.setenv("TENS_INSIGHT_STATE_DIR", str(tmp_path))
    return make_shelf(tmp_path / "metadata.sqlite")


@pytest.fixture
def push(shelf: Shelf, exported: Path, tmp_path: Path) -> Callable[..., Path]:
    """Trains a model that the gate blesses, in a second."""

    def pushed(version: str, **changes: Any) -> Path:
        folder = tmp_path / "models" / version / "Format-Serving"
        shutil.copytree(exported, folder)
        write_card(str(folder), CARD | REASONS | FITS | {"model_version": version} | changes)
        properties = {"saved_model_sha256": saved_model_sha256(str(folder))} | FITS | changes
        shelf.train(version, True, uri=str(folder.parent), **properties)
        return folder

    return pushed


@pytest.fixture
def follower() -> Callable[[], Follower]:
    return lambda: Follower(load_settings(), lambda scorer: None)


def version_of(one: Follower) -> str | None:
    one.look()
    return one.champion.version if one.champion else None


def test_it_follows_pushed_promoted_and_withdrawn_models(
    shelf: Shelf, push: Callable[..., Path], follower: Callable[[], Follower]
) -> None:
    one = follower()
    assert version_of(one) is None
    assert "There is no champion" in one.found.problem
    push("20260601-aaaaaaaa")
    assert version_of(one) == "20260601-aaaaaaaa"
    assert one.found.problem == ""
    push("20260602-bbbbbbbb")
    assert version_of(one) == "20260602-bbbbbbbb"
    decide(shelf.registry, "promote", "20260601-aaaaaaaa", "it was better")
    assert version_of(one) == "20260601-aaaaaaaa"
    decide(shelf.registry, "withdraw", "20260601-aaaaaaaa", "it was not")
    assert version_of(one) == "20260602-bbbbbbbb"
    decide(shelf.registry, "withdraw", "20260602-bbbbbbbb", "nor is it")
    assert version_of(one) is None
    assert one.found.swaps == 3


@pytest.fixture
def without_shadows(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENS_INSIGHT_SHADOW_MODELS", "0")


@pytest.mark.usefixtures("without_shadows")
def test_the_old_model_answers_whom_it_answered_and_then_goes(push: Callable[..., Path]) -> None:
    """Its objects hold each other, and a collector that may not look at them would keep them."""
    one = Follower(load_settings(), lambda scorer: None, owns_process=True)
    try:
        push("20260601-aaaaaaaa")
        one.look()
        held = one.champion
        assert held is not None
        model = weakref.ref(held.scorer._model.graph)
        push("20260602-bbbbbbbb")
        one.look()
        assert held.scorer.score([]) is not None
        assert held.version != one.champion.version  # type: ignore[union-attr]
        del held
        one.look()  # nothing was decided since
        assert model() is None
    finally:
        gc.unfreeze()


@pytest.mark.usefixtures("without_shadows")
def test_a_model_that_nobody_asks_is_gone_with_the_swap_or_the_withdrawal(
    push: Callable[..., Path], shelf: Shelf, follower: Callable[[], Follower]
) -> None:
    """Left to itself the collector would keep many of its objects."""
    one = follower()
    push("20260601-aaaaaaaa")
    one.look()
    assert one.champion is not None
    model = weakref.ref(one.champion.scorer._model.graph)
    push("20260602-bbbbbbbb")
    one.look()
    assert model() is None
    model = weakref.ref(one.champion.scorer._model.graph)
    for version in ("20260602-bbbbbbbb", "20260601-aaaaaaaa"):
        decide(shelf.registry, "withdraw", version, "it is wrong")
    one.look()
    assert one.champion is None
    one.look()
    assert model() is None


def test_a_model_that_cannot_be_loaded_leaves_the_old_one_and_is_tried_again_later_each_time(
    push: Callable[..., Path], shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    one = Follower(load_settings(), lambda scorer: None, lambda: now[0])
    push("20260601-aaaaaaaa")
    one.look()
    card = push("20260602-bbbbbbbb") / "assets.extra" / "model_card.json"
    text = card.read_text()
    card.write_text(text.replace("bbbbbbbb", "cccccccc"))
    tried = []
    for second in range(0, 1200, 2):
        now[0], failures = float(second), one.found.failures
        assert version_of(one) == "20260601-aaaaaaaa"
        assert "are not those that were exported" in one.found.problem
        if one.found.failures > failures:
            tried.append(second)
    assert tried == [0, 2, 6, 14, 30, 62, 126, 254, 510, 810, 1110]
    assert len([one for one in caplog.records if "were exported" in one.getMessage()]) == 1
    card.write_text(text)
    assert version_of(one) == "20260601-aaaaaaaa"
    decide(shelf.registry, "withdraw", "20260601-aaaaaaaa", "whatever is decided, it looks again")
    assert version_of(one) == "20260602-bbbbbbbb"
    assert one.found.problem == ""


def test_of_a_split_each_account_has_the_model_that_a_run_would_ask(
    push: Callable[..., Path], shelf: Shelf, follower: Callable[[], Follower]
) -> None:
    first, second = "20260601-aaaaaaaa", "20260602-bbbbbbbb"
    folder = push(first)
    push(second, calibrated_base_rate=0.5)
    decide(shelf.registry, "split", first, "which is better", other=second, share=0.3)
    one = follower()
    assert version_of(one) == first
    champion = one.champion
    assert champion is not None
    assert champion.split is not None
    accounts = [f"ACC-{number}" for number in range(200)]
    asked = {account: champion.of(account) for account in accounts}
    assert {account: one.version for account, one in asked.items()} == {
        account: champion.split.version(account) for account in accounts
    }
    assert 30 < sum(one.version == second for one in asked.values()) < 90
    assert {one.bands for one in asked.values()} == {champion.bands}  # one rule for all
    card = folder.parent.parent / second / "Format-Serving" / "assets.extra" / "model_card.json"
    card.write_text(card.read_text() + " ")
    broken = follower()
    assert version_of(broken) == first
    assert broken.champion is not None
    assert {broken.champion.of(account).version for account in accounts} == {first}
    assert "answers for all accounts" in broken.found.notes[0]
    decide(shelf.registry, "end split", first, "enough")
    assert version_of(one) == second
    assert {one.champion.of(account).version for account in accounts} == {second}  # type: ignore[union-attr]


def test_a_second_model_of_other_horizons_does_not_answer(
    push: Callable[..., Path], shelf: Shelf, follower: Callable[[], Follower]
) -> None:
    first, second = "20260601-aaaaaaaa", "20260602-bbbbbbbb"
    push(first)
    push(second, churn_horizons="30,90")
    decide(shelf.registry, "split", first, "which is better", other=second, share=0.5)
    one = follower()
    assert version_of(one) == first
    assert one.champion is not None
    assert one.champion.second is None
    assert "answers for all accounts" in one.found.notes[0]


def test_a_model_of_another_database_does_not_answer(
    push: Callable[..., Path], shelf: Shelf, follower: Callable[[], Follower]
) -> None:
    store = read_store(shelf.registry.store)
    write_store(shelf.registry.store, replace(store, database_id="one", database_name="one"))
    push("20260601-aaaaaaaa", database_id="other")
    one = follower()
    assert version_of(one) is None
    assert "20260601-aaaaaaaa" in one.found.problem


def test_models_in_shadow_are_loaded_once_somebody_answers(
    push: Callable[..., Path], shelf: Shelf, follower: Callable[[], Follower]
) -> None:
    push("20260601-aaaaaaaa")
    push("20260602-bbbbbbbb")
    one = follower()
    assert (version_of(one), one.found.shadows) == ("20260602-bbbbbbbb", ())
    one.look()
    (shadow,) = one.found.shadows
    former = one.champion
    assert former is not None
    assert (shadow.role, shadow.scorer.card["model_version"]) == (
        "former champion",
        "20260601-aaaaaaaa",
    )
    decide(shelf.registry, "promote", "20260601-aaaaaaaa", "it was better")
    assert version_of(one) == "20260601-aaaaaaaa"
    assert one.champion is not None
    assert one.champion.scorer is shadow.scorer  # in memory already
    (other,) = one.found.shadows
    assert (other.role, other.scorer) == ("former champion", former.scorer)


def test_without_a_champion_the_rule_that_scored_last_answers_where_it_would_score(
    shelf: Shelf,
    push: Callable[..., Path],
    exported: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TENS_INSIGHT_COLD_START", "rules")
    monkeypatch.setenv("TENS_INSIGHT_ASSUMED_CHURN_RATE", "0.05")
    settings = load_settings()
    scoring, reading = settings.scoring, settings.reading
    version = rule_version(
        scoring.rule,
        assumed_churn_rate=0.05,
        critical_priority=scoring.critical_priority,
        lookback_days=reading.lookback_days,
        horizon_days=reading.horizon_days,
    )
    folder = Path(rule_folder(str(tmp_path / "scores")))
    shutil.copytree(exported, folder)
    write_card(str(folder), CARD | REASONS | FITS | {"model_version": version})
    one = Follower(settings, lambda scorer: None)
    assert version_of(one) is None
    assert "tens-insight run score" in one.found.problem
    scores = shelf.artifact(
        "TensInsightPublishedScores", str(tmp_path / "scores"), SCORES | {"model_version": version}
    )
    shelf.node("run-0", "AccountScorer", [], [scores])
    assert version_of(one) == version
    monkeypatch.setenv("TENS_INSIGHT_ASSUMED_CHURN_RATE", "0.06")
    other = Follower(load_settings(), lambda scorer: None)
    assert version_of(other) is None
    assert "is not that of the present settings" in other.found.problem
    push("20260601-aaaaaaaa")
    assert version_of(one) == "20260601-aaaaaaaa"


@pytest.mark.parametrize("name", sorted(set(FITS) - {"label_source"}))
def test_a_model_of_other_settings_does_not_answer(
    push: Callable[..., Path], follower: Callable[[], Follower], name: str
) -> None:
    push("20260601-aaaaaaaa", **{name: "keep" if isinstance(FITS[name], str) else 7})
    one = follower()
    assert version_of(one) is None
    assert f"does not fit the present settings: {name} was" in one.found.problem


def test_a_store_that_did_not_change_is_not_read_again(
    push: Callable[..., Path], follower: Callable[[], Follower], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = follower()
    push("20260601-aaaaaaaa")
    one.look()
    monkeypatch.setattr(followed, "Registry", lambda path: pytest.fail("it was read"))
    assert version_of(one) == "20260601-aaaaaaaa"
    assert one.found.problem == ""


def test_what_fails_when_it_is_warmed_up_does_not_answer(push: Callable[..., Path]) -> None:
    def fails(scorer: Any) -> None:
        raise RuntimeError("its graph is broken")

    push("20260601-aaaaaaaa")
    one = Follower(load_settings(), fails)
    assert version_of(one) is None
    assert "its graph is broken" in one.found.problem
