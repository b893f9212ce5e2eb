"""The stream follows the champion, and the two models of a split."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.account_scorer import scored_shard
from pipeline.registry.change_stage import decide
from pipeline.settings import load_settings
from pipeline.stream.follow import FollowedChampion
from tests.pipeline.registry.conftest import Shelf
from tests.pipeline.serving.test_champion import exported, push, shelf

__all__ = ["exported", "push", "shelf"]


def test_both_models_of_a_split_are_followed(push: Callable[..., Path], shelf: Shelf) -> None:
    first, second = "20260601-aaaaaaaa", "20260602-bbbbbbbb"
    push(first)
    folder = push(second)
    clock = iter(range(0, 10_000, 100))
    following = FollowedChampion(load_settings(), lambda: next(clock))
    assert (following().model_version, following().split) == (second, None)
    decide(shelf.registry, "split", first, "which is better", other=second, share=0.3)
    champion = following()
    assert champion.split is not None
    assert (champion.model_version, champion.split.b) == (first, second)
    assert champion.second is not None
    assert following() is champion  # and loads nothing again
    decide(shelf.registry, "end split", first, "enough")
    assert (following().model_version, following().split) == (second, None)
    # Where the second one cannot be asked, the first one scores without it.
    decide(shelf.registry, "split", first, "once more", other=second, share=0.3)
    card = folder / "assets.extra" / "model_card.json"
    card.write_text(card.read_text() + " ")
    broken = following()
    assert (broken.model_version, broken.split, broken.second) == (first, None, None)


def test_nothing_is_asked_before_half_a_minute_is_over(
    push: Callable[..., Path], shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    push("20260601-aaaaaaaa")
    moment: list[float] = [0.0]
    following = FollowedChampion(load_settings(), lambda: moment[0])
    found: Any = following()
    push("20260602-bbbbbbbb")
    assert following() is found
    moment[0] = 31.0
    assert following().model_version == "20260602-bbbbbbbb"


def test_a_model_is_asked_once_before_feedback_waits_for_it(
    push: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    whole = scored_shard.scored_shard

    def counted(scorer: Any, batches: Any, **more: Any) -> Any:
        asked.append(sum(len(one) for one in batches))
        return whole(scorer, batches, **more)

    monkeypatch.setattr(scored_shard, "scored_shard", counted)
    push("20260601-aaaaaaaa")
    FollowedChampion(load_settings())()
    assert asked == [1]
