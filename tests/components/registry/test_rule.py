"""The champion rule against a plain reference, for any models and any acts."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from components.errors import ModelActRefused, TensInsightError, UnknownModel
from components.registry.refusals import require_possible
from components.registry.rule import (
    KINDS,
    PIN,
    PROMOTE,
    UNPIN,
    WITHDRAW,
    Act,
    JudgedModel,
    champion,
    standing,
)

VERSIONS = ("v1", "v2", "v3", "v4")
ids = st.permutations(range(1, len(VERSIONS) + 1))
moments = st.integers(min_value=1, max_value=12)


@st.composite
def histories(draw: Any) -> tuple[list[JudgedModel], list[Act]]:
    """Models in any order, some not blessed, and acts on them and on one that is unknown."""
    count = draw(st.integers(0, len(VERSIONS)))
    models = [
        JudgedModel(version, model_id, judged, draw(moments) if judged and blessed else None)
        for version, model_id, judged, blessed in zip(
            VERSIONS[:count],
            draw(ids)[:count],
            draw(st.lists(st.booleans(), min_size=count, max_size=count)),
            draw(st.lists(st.booleans(), min_size=count, max_size=count)),
            strict=True,
        )
    ]
    kinds = st.tuples(st.sampled_from(KINDS), st.sampled_from((*VERSIONS, "gone")), moments)
    acts = [
        Act(number, kind, version, at)
        for number, (kind, version, at) in enumerate(draw(st.lists(kinds, max_size=8)), 1)
    ]
    return models, acts


def reference(models: list[JudgedModel], acts: list[Act]) -> str | None:
    """The rule as one would say it, walked through one model and one act at a time."""
    pinned = None
    for act in acts:
        if act.kind == PIN:
            pinned = act.version
        if act.kind == UNPIN:
            pinned = None
    best = None
    for model in models:
        if model.blessed_at is None:
            continue
        state, since = "in use", model.blessed_at
        for act in acts:
            if act.version == model.version and act.kind == WITHDRAW:
                state, since = "withdrawn", model.blessed_at
            if act.version == model.version and act.kind == PROMOTE:
                state, since = "in use", max(model.blessed_at, act.at)
        if state == "withdrawn":
            continue
        key = (model.version == pinned, since, model.model_id)
        if best is None or key > best[0]:
            best = (key, model.version)
    return best[1] if best else None


@given(histories())
@example(
    (
        [JudgedModel("v1", 1, True, 5), JudgedModel("v2", 2, True, 7)],
        [Act(1, PROMOTE, "v1", 9), Act(2, WITHDRAW, "v1", 10), Act(3, PROMOTE, "v1", 6)],
    )
)
def test_the_rule_is_the_reference(history: tuple[list[JudgedModel], list[Act]]) -> None:
    models, acts = history
    found = champion(models, reversed(acts))
    assert (found.version if found else None) == reference(models, acts)


@given(histories())
def test_nothing_unblessed_or_withdrawn_is_ever_champion(
    history: tuple[list[JudgedModel], list[Act]],
) -> None:
    models, acts = history
    found = champion(models, acts)
    if found is not None:
        assert found.blessed_at is not None
        assert found.version not in standing(acts).withdrawn


@given(histories())
def test_acts_that_were_let_through_do_what_they_say(
    history: tuple[list[JudgedModel], list[Act]],
) -> None:
    models, wanted = history
    acts: list[Act] = []
    for clock, act in enumerate(wanted, 100):
        done = Act(len(acts) + 1, act.kind, act.version, clock)
        try:
            require_possible(act.kind, act.version, models, acts)
        except TensInsightError:
            continue
        before = champion(models, acts)
        acts.append(done)
        now = champion(models, acts)
        if act.kind == PIN or (act.kind == PROMOTE and standing(acts).pin is None):
            assert now is not None
            assert now.version == act.version
        if act.kind == WITHDRAW:
            assert now is None or now.version != act.version
            if before is not None and before.version != act.version:
                assert now == before
        pin = standing(acts).pin
        if pin is not None:
            assert now is not None
            assert now.version == pin.version


def test_an_act_of_an_unknown_kind_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="'retire'"):
        champion([], [Act(1, "retire", "v1", 1)])


OLD, NEW = (
    JudgedModel("20260101-aaaaaaaa", 1, True, 10),
    JudgedModel("20260201-bbbbbbbb", 2, True, 20),
)
REFUSED = JudgedModel("20260301-cccccccc", 3, True, None)
UNJUDGED = JudgedModel("20260401-dddddddd", 4, False, None)
MODELS = [OLD, NEW, REFUSED, UNJUDGED]


@pytest.mark.parametrize(
    ("kind", "version", "acts", "said"),
    [
        (PROMOTE, REFUSED.version, [], "was not blessed, and nothing unblessed is ever published"),
        (PIN, REFUSED.version, [], "cannot be pinned"),
        (PROMOTE, UNJUDGED.version, [], "was not judged"),
        (PIN, OLD.version, [(WITHDRAW, OLD.version)], "models promote 20260101-aaaaaaaa"),
        (PIN, OLD.version, [(PIN, OLD.version)], "pinned already (by ann@host at 1970-01-01"),
        (WITHDRAW, OLD.version, [(PIN, OLD.version)], "Unpin it first"),
        (WITHDRAW, OLD.version, [(WITHDRAW, OLD.version)], "withdrawn already"),
        (UNPIN, "", [], "No model is pinned"),
        (UNPIN, "", [(PIN, OLD.version), (UNPIN, OLD.version)], "No model is pinned"),
    ],
)
def test_what_is_refused_and_why(
    kind: str, version: str, acts: list[tuple[str, str]], said: str
) -> None:
    done = [Act(number, *act, 1, "ann@host", "why") for number, act in enumerate(acts, 1)]
    with pytest.raises(ModelActRefused) as refused:
        require_possible(kind, version, MODELS, done)
    assert said in str(refused.value)


def test_an_unknown_version_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownModel, match="The nearest: 20260201-bbbbbbbb"):
        require_possible(PROMOTE, "20260201-bbbbbbba", MODELS, [])
    with pytest.raises(UnknownModel, match="none was trained yet"):
        require_possible(PROMOTE, "20260201-bbbbbbbb", [], [])
